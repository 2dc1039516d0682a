// SPDX-License-Identifier: Apache-2.0
//
// What a graph consists of, counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tflite/graph.h"

namespace bowerbird::tflite {

struct OperatorUse {
  std::string name;
  int32_t version = 1;
  bool is_custom = false;
  int count = 0;
  int delegated = 0;  // of these, in the delegate
};

// Of all subgraphs, by name and version. `delegated` as RunFacts has it; empty: none is known to be
// in a delegate.
std::vector<OperatorUse> OperatorsOf(const Graph& graph,
                                     const std::vector<std::vector<bool>>& delegated);

struct Weights {
  // Elements of all constants of floating point or quantised: what training has found. Shapes,
  // axes and indices are none.
  uint64_t parameters = 0;
  std::map<std::string, uint64_t> bytes_by_type;  // of all constants: "FLOAT16" and so on
};

// Constants that several tensors share count once. Elements go by shape, so that values which a
// sparse tensor leaves out count, too.
Weights WeightsOf(const Graph& graph);

}  // namespace bowerbird::tflite
