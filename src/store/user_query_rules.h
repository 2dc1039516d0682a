// SPDX-License-Identifier: Apache-2.0
//
// What a user's query may call. Only functions that compute from their arguments: nothing that
// reads files, changes settings, waits, or runs SQL of its own.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace bowerbird::store {

// In lower case. By what the function does, for both engines: one that an engine lacks it refuses
// itself.
bool IsAllowedFunction(std::string_view name);

// One statement that is a SELECT or WITH, calls only allowed functions and does not name
// PostgreSQL's catalogs: for an engine that has no hook to ask. Understands quotes, dollar quotes
// and comments as PostgreSQL 13 and later do with standard_conforming_strings on. INVALID_ARGUMENT,
// PERMISSION_DENIED.
absl::Status CheckUserStatement(std::string_view sql);

}  // namespace bowerbird::store
