// SPDX-License-Identifier: Apache-2.0
//
// What callers are told about a model: the graph's own facts, with names, descriptions and labels
// from the metadata in the file where it has them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/tensor.h"
#include "infer/tflite_instance.h"
#include "tflite/graph.h"
#include "tflite/metadata.h"

namespace bowerbird::infer {

// `metadata` may be empty; `graph` has passed Preflight. No labels yet.
ModelMetadata Describe(const tflite::Graph& graph,
                       const std::optional<tflite::FileMetadata>& metadata,
                       const RuntimeShapes& shapes);

// The labels packed behind the model, of its first output that names a label file without a
// locale, else of the first that names one. Empty if there are none.
absl::StatusOr<std::vector<std::string>> PackedLabels(std::span<const std::byte> file,
                                                      const tflite::FileMetadata& metadata);

}  // namespace bowerbird::infer
