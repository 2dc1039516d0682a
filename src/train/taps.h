// SPDX-License-Identifier: Apache-2.0
//
// Which tensors of a base model say what is in the picture: its embedding.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::train {

// Tensors of the main subgraph. Of a classifier: what its last MEAN or AVERAGE_POOL_2D over the
// whole picture gives. Of an SSD: the map that its finest head reads, and of the stage below it,
// down to the map of the second head, the middle one of the maps that a DEPTHWISE_CONV_2D reads
// (the last maps of a backbone know too much about its own classes). FAILED_PRECONDITION says what
// was looked for.
absl::StatusOr<std::vector<int32_t>> FindTaps(const tflite::Graph& graph);

// Tensors by name or number; `places` gives the number in `graph` of each number of the file, empty
// where they are the same. NOT_FOUND names the one that is not there.
absl::StatusOr<std::vector<int32_t>> NamedTaps(const tflite::Graph& graph,
                                               std::span<const int32_t> places,
                                               std::span<const std::string> names);

}  // namespace bowerbird::train
