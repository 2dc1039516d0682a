// SPDX-License-Identifier: Apache-2.0
//
// Which blobs something refers to. Internal to this room.
#pragma once

#include <string>

#include "data/core.h"

namespace bowerbird::data {

// Whether an item of any organization has this content, or it is the manifest of a snapshot.
absl::StatusOr<bool> IsUsed(Core& core, const std::string& hash);

}  // namespace bowerbird::data
