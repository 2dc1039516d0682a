// SPDX-License-Identifier: Apache-2.0
//
// The registry's tables. Their version stands apart from those of other rooms. Internal.
#pragma once

#include "absl/status/status.h"
#include "store/database.h"

namespace bowerbird::registry {

absl::Status MakeTables(store::Database& database);

}  // namespace bowerbird::registry
