// SPDX-License-Identifier: Apache-2.0
//
// Whether a graph makes sense: what the FlatBuffers verifier cannot see and what runtimes take on
// trust. A graph that fails here would read or write memory that is not its own.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

// Every index in range; every tensor that is read was written before, and nothing writes to a
// constant; shapes that fit into memory; constants as long as their shapes say; quantisation that
// fits the tensor; subgraphs that do not call themselves. INVALID_ARGUMENT names the first tensor
// or operator that is wrong.
absl::Status CheckGraph(const Graph& graph);

// For each subgraph and each tensor of it: whether an operator writes it and nothing reads it. Such
// work is wasted, and XNNPACK of 2022 writes it to a null pointer. `graph` has passed CheckGraph.
std::vector<std::vector<bool>> UnreadTensors(const Graph& graph);

}  // namespace bowerbird::tflite
