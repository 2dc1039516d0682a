// SPDX-License-Identifier: Apache-2.0
//
// What a graph weighs: its constants, and the tensors that a run holds at once.
#pragma once

#include <cstdint>

#include "tflite/graph.h"

namespace bowerbird::tflite {

struct Footprint {
  uint64_t constant_bytes = 0;
  // Largest sum of tensors alive between two operators of one subgraph, before any operator's own
  // scratch memory.
  uint64_t peak_activation_bytes = 0;
};

// `graph` has passed CheckGraph.
Footprint Measure(const Graph& graph);

}  // namespace bowerbird::tflite
