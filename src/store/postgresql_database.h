// SPDX-License-Identifier: Apache-2.0
//
// A PostgreSQL server, through libpq.
#pragma once

#include <memory>
#include <string>

#include "store/database.h"

namespace bowerbird::store {

// FAILED_PRECONDITION: another process uses the same database; UNAVAILABLE: no server there.
absl::StatusOr<std::unique_ptr<Database>> OpenPostgresql(const std::string& uri,
                                                         const std::vector<Migration>& migrations);

// See Database::RunUserQuery.
absl::StatusOr<UserResult> RunPostgresqlUserQuery(const std::string& uri, const Context& context,
                                                  const UserQuery& query);

}  // namespace bowerbird::store
