// SPDX-License-Identifier: Apache-2.0
//
// How much a model computes, from its shapes.
#pragma once

#include <cstdint>
#include <vector>

#include "tflite/graph.h"
#include "tflite/shapes.h"

namespace bowerbird::tflite {

// Multiply-adds of each operator: convolutions, fully connected layers, matrix products, recurrent
// cells. All other operators count 0: what they do is bounded by memory, not by arithmetic.
// `shapes` are those of the subgraph; an operator of unknown shapes counts 0.
std::vector<uint64_t> MultiplyAdds(const Graph& graph, size_t subgraph,
                                   const InferredShapes& shapes);

// Of the main subgraph, with the shapes that the file states.
uint64_t TotalMultiplyAdds(const Graph& graph);

}  // namespace bowerbird::tflite
