// SPDX-License-Identifier: Apache-2.0
//
// The indices by which the parts of a graph refer to each other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

// Whether every tensor, operator code, buffer and subgraph that the graph refers to exists, in
// signatures too. INVALID_ARGUMENT names the first that does not. Whatever walks a graph that
// passed this stays within it; whether the graph makes sense is the question of CheckGraph.
absl::Status CheckReferences(const Graph& graph);

// For each kept index its new one, counted from `first`; -1 for the others.
std::vector<int32_t> Renumber(const std::vector<bool>& kept, int32_t first = 0);

// Elements of `values` whose flag is set, in order.
template <typename T>
void KeepOnly(std::vector<T>& values, const std::vector<bool>& kept) {
  size_t next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!kept[i]) continue;
    if (next != i) values[next] = std::move(values[i]);
    ++next;
  }
  values.resize(next);
}

}  // namespace bowerbird::tflite
