// SPDX-License-Identifier: Apache-2.0
//
// Bringing a database to the version of the program.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/database.h"

namespace bowerbird::store {

// `transact` runs its work in one transaction of its own. Each migration and its number are
// committed together; FAILED_PRECONDITION if the database has a version that is not among
// `migrations`.
absl::Status Migrate(Engine engine, const std::vector<Migration>& migrations,
                     const std::function<absl::Status(const Database::Work&)>& transact);

}  // namespace bowerbird::store
