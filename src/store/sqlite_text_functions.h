// SPDX-License-Identifier: Apache-2.0
//
// instr, replace, trim, ltrim, rtrim, like (the operator, too) and glob for queries that users
// write. SQLite's own take the product of their arguments' lengths and cannot be interrupted: one
// call over two texts of a few megabytes runs for hours. These give the same results, in linear
// time (instr, replace) or until they are told to stop.
#pragma once

#include <sqlite3.h>

#include <functional>

#include "absl/status/status.h"

namespace bowerbird::store {

// Asked every few milliseconds by a function that runs long. True ends the statement with
// SQLITE_INTERRUPT.
using MustStop = std::function<bool()>;

// `must_stop` is used as long as the connection lives.
absl::Status ReplaceTextFunctions(sqlite3* database, const MustStop& must_stop);

}  // namespace bowerbird::store
