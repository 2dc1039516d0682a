// SPDX-License-Identifier: Apache-2.0
//
// Label files: one name a line; a single line is split at commas, else at spaces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::infer {

// Blank lines are skipped, CR before LF is dropped, the rest is kept untrimmed.
// A byte-order mark at the start is dropped. INVALID_ARGUMENT: more than 1 MiB, or NUL bytes.
absl::StatusOr<std::vector<std::string>> ParseLabels(std::string_view text);
absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path);

}  // namespace bowerbird::infer
