// SPDX-License-Identifier: Apache-2.0
//
// Untrusted JSON text to a value that is safe to handle: bounded in size and depth (copying,
// comparing and printing a value recurse), no key twice in one object.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace bowerbird::machine {

inline constexpr size_t kMaxConfigBytes = 4u << 20;
inline constexpr int kMaxConfigDepth = 64;

// INVALID_ARGUMENT: "FILE:3:17: ..." with line and column (in bytes, from 1).
absl::StatusOr<nlohmann::json> ParseConfigJson(std::string_view text, std::string_view file_name);

}  // namespace bowerbird::machine
