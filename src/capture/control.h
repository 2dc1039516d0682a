// SPDX-License-Identifier: Apache-2.0
//
// The capture control sensor: its reading says, ten times a second, what is to be captured instead
// of what the config says.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "capture/config.h"

namespace bowerbird::capture {

// reading[key] is a list of {resource_name, method, capture_frequency_hz?, tags?}. Each entry
// changes the methods of that resource and method: frequency (0 stops it) and tags; one that the
// config does not have is added, as far as it needs no parameters. `names`: the machine's
// resources, for names without their API. INVALID_ARGUMENT: the key is missing or its value is no
// such list; then the config holds.
absl::StatusOr<std::vector<CaptureMethod>> ApplyControl(
    const std::vector<CaptureMethod>& configured, const nlohmann::json& reading,
    const std::string& key, const std::vector<machine::ResourceName>& names);

}  // namespace bowerbird::capture
