// SPDX-License-Identifier: Apache-2.0
//
// A graph as the bytes of a .tflite file. The same graph gives the same bytes, and a file that was
// written here, read and written again does not change.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

// Constants are aligned to 16 bytes, buffers that nothing refers to are left out, equal constants
// are stored once, values that stood behind the FlatBuffer move into it. FAILED_PRECONDITION: see
// CheckEditable. INVALID_ARGUMENT: an index of the graph is out of range. RESOURCE_EXHAUSTED: the
// file would have 2 GB or more.
absl::StatusOr<std::string> WriteModel(const Graph& graph);

}  // namespace bowerbird::tflite
