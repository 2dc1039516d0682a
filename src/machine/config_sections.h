// SPDX-License-Identifier: Apache-2.0
//
// The sections of a config other than components and services.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "machine/attributes.h"
#include "machine/config.h"

namespace bowerbird::machine {

// The list `key` of the document; null if absent. INVALID_ARGUMENT if it is no list.
absl::StatusOr<const nlohmann::json*> SectionList(const Attributes& document,
                                                  const std::string& key);

absl::Status ParsePackages(const Attributes& document, Config& config);

// remotes, modules, network, auth, debug, revision; warns of what is ignored.
absl::Status ParseSections(const Attributes& document, Config& config);

// "2s", "1h2m3.5s", "300ms": Go's notation, without sign.
absl::StatusOr<std::chrono::nanoseconds> ParseDuration(std::string_view text);

}  // namespace bowerbird::machine
