// SPDX-License-Identifier: Apache-2.0
//
// A limit on what SQLite allocates for one thread: a query that a user wrote must not take the
// memory of the whole program, and SQLite's own limit is one for all connections.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace bowerbird::store {

// Must be called before anything else of SQLite. INTERNAL: too late. Thread-safe.
absl::Status CountSqliteMemory();

// While it exists, what this thread allocates through SQLite beyond `bytes` fails with
// SQLITE_NOMEM. One at a time in a thread; nothing else of SQLite may be used there meanwhile.
class SqliteMemoryLimit {
 public:
  explicit SqliteMemoryLimit(int64_t bytes);
  ~SqliteMemoryLimit();
  SqliteMemoryLimit(const SqliteMemoryLimit&) = delete;
  SqliteMemoryLimit& operator=(const SqliteMemoryLimit&) = delete;
};

}  // namespace bowerbird::store
