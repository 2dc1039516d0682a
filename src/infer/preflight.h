// SPDX-License-Identifier: Apache-2.0
//
// What can be said about a graph before the runtime sees it: whether it would run at all, and
// which of its parts this runtime does not know.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

// Operators of `graph` that the linked runtime lacks: "CONV_2D version 6",
// "SignalWindow (custom operator)".
std::vector<std::string> UnknownOperators(const tflite::Graph& graph);

// OK, or INVALID_ARGUMENT with everything that stands in the way: a graph that makes no sense,
// operators and types that the runtime lacks, strings at the boundary, more memory than there is.
absl::Status Preflight(const tflite::Graph& graph);

}  // namespace bowerbird::infer
