// SPDX-License-Identifier: Apache-2.0
//
// Items as values, from their rows. Internal to this room.
#pragma once

#include <vector>

#include "data/core.h"
#include "data/item.h"

namespace bowerbird::data {

// In the order of `items`; what is not there is left out.
absl::StatusOr<std::vector<Item>> LoadItems(Connection& connection,
                                            const std::vector<int64_t>& items);

}  // namespace bowerbird::data
