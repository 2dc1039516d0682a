// SPDX-License-Identifier: Apache-2.0
//
// The `filter_source_names` of GetImages: which of a camera's pictures are wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace bowerbird::machine {

// INVALID_ARGUMENT "duplicate source name in filter" or "invalid source name" unless every name of
// `filter` is one of `sources`.
absl::Status CheckSourceFilter(const std::vector<std::string>& filter,
                               const std::vector<std::string_view>& sources);

// An empty filter wants everything.
bool IsWanted(const std::vector<std::string>& filter, std::string_view source);

}  // namespace bowerbird::machine
