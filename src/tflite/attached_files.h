// SPDX-License-Identifier: Apache-2.0
//
// The files that travel in a .tflite file behind the FlatBuffer: labels, vocabularies.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

struct AttachedFile {
  std::string name;
  std::string contents;
  bool operator==(const AttachedFile&) const = default;
};

// All files of the zip at the end of `file`, in the order of its directory; none if there is no
// zip. RESOURCE_EXHAUSTED: together they have more than `max_bytes`.
absl::StatusOr<std::vector<AttachedFile>> ReadAttachedFiles(std::span<const std::byte> file,
                                                            size_t max_bytes);

// The model (see WriteModel) with `files` behind it, stored as they are, so that readers can map
// them. INVALID_ARGUMENT: a name is empty, too long or there twice.
absl::StatusOr<std::string> WriteModelFile(const Graph& graph, std::span<const AttachedFile> files);

}  // namespace bowerbird::tflite
