// SPDX-License-Identifier: Apache-2.0
//
// From the ids that callers give to rows. Internal to this room.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/filter.h"
#include "data/selection.h"
#include "data/state.h"

namespace bowerbird::data {

// In the order of `ids`, each once. NOT_FOUND names the first that is not there.
absl::StatusOr<std::vector<StoredItem>> FindAll(Connection& connection, const Caller& caller,
                                                std::span<const std::string> ids);
absl::StatusOr<StoredItem> FindOne(Connection& connection, const Caller& caller,
                                   const std::string& id);

// Every item of the filter, oldest first, in portions; each portion is one transaction, handed to
// `change` on the writer's thread. What is added meanwhile may be left out.
absl::Status ChangeByFilter(
    Core& core, const Caller& caller, const Filter& filter,
    const std::function<absl::Status(Connection&, std::vector<StoredItem>&)>& change);

}  // namespace bowerbird::data
