// SPDX-License-Identifier: Apache-2.0
//
// Which tensors hold numbers that a caller decides, as against those that are the same in every
// call: what is computed from constants and from the shapes of tensors alone.
#pragma once

#include <vector>

#include "tflite/graph.h"

namespace bowerbird::tflite {

// By subgraph and tensor. Inputs of the model, variables and other state count as the caller's, and
// so does what any operator makes of them, with the exception of shapes (SHAPE, RANK): those are
// bounded by tensors that exist. Calls are followed (IF, WHILE). `graph` has passed CheckGraph.
std::vector<std::vector<bool>> CallerValues(const Graph& graph);

}  // namespace bowerbird::tflite
