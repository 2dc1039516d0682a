// SPDX-License-Identifier: Apache-2.0
//
// SQLite: one file, write-ahead log, every commit synced.
#pragma once

#include <memory>
#include <string>

#include "store/database.h"

namespace bowerbird::store {

// FAILED_PRECONDITION: another process has the file open.
absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path,
                                                     const std::vector<Migration>& migrations);

// See Database::RunUserQuery.
absl::StatusOr<UserResult> RunSqliteUserQuery(const std::string& path, const Context& context,
                                              const UserQuery& query);

}  // namespace bowerbird::store
