// SPDX-License-Identifier: Apache-2.0
//
// A limit on what SQLite allocates for one thread: a query that a user wrote must not take the
// memory of the whole program, and SQLite's own limit is one for all connections.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

namespace bowerbird::store {

// Must be called before anything else of SQLite. INTERNAL: too late. Thread-safe.
absl::Status CountSqliteMemory();

// While it exists, what this thread allocates through SQLite beyond `bytes` fails with
// SQLITE_NOMEM; so does any large allocation once `must_stop` says so, because SQLite looks at its
// progress handler only where a statement loops. `must_stop` must outlive it. One at a time in a
// thread; nothing else of SQLite may be used there meanwhile.
class SqliteMemoryLimit {
 public:
  SqliteMemoryLimit(int64_t bytes, const std::function<bool()>& must_stop);
  ~SqliteMemoryLimit();
  SqliteMemoryLimit(const SqliteMemoryLimit&) = delete;
  SqliteMemoryLimit& operator=(const SqliteMemoryLimit&) = delete;
};

}  // namespace bowerbird::store
