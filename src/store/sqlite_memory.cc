// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_memory.h"

#include <sqlite3.h>

#include "base/status.h"

namespace bowerbird::store {
namespace {

// From so many bytes on an allocation goes with work that takes longer than the question.
constexpr int kLarge = 64 << 10;

struct Budget {
  const std::function<bool()>* must_stop = nullptr;  // not null: limited
  int64_t left = 0;
};

thread_local Budget budget;
sqlite3_mem_methods plain;  // set once, before SQLite allocates anything

bool IsRefused(int size, int growth) {
  if (budget.must_stop == nullptr) return false;
  return budget.left < growth || (size >= kLarge && (*budget.must_stop)());
}

void* Allocate(int size) {
  if (IsRefused(size, size)) return nullptr;
  void* const block = plain.xMalloc(size);
  if (block != nullptr) budget.left -= plain.xSize(block);
  return block;
}

void Free(void* block) {
  if (block != nullptr) budget.left += plain.xSize(block);
  plain.xFree(block);
}

void* Reallocate(void* block, int size) {
  const int before = plain.xSize(block);
  if (IsRefused(size, size - before)) return nullptr;
  void* const moved = plain.xRealloc(block, size);
  if (moved != nullptr) budget.left -= plain.xSize(moved) - before;
  return moved;
}

int Install() {
  const int code = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
  if (code != SQLITE_OK) return code;
  sqlite3_mem_methods counting = plain;
  counting.xMalloc = Allocate;
  counting.xFree = Free;
  counting.xRealloc = Reallocate;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
}

}  // namespace

absl::Status CountSqliteMemory() {
  static const int code = Install();
  return code == SQLITE_OK ? absl::OkStatus()
                           : Internal("SQLite was used before its memory could be counted");
}

SqliteMemoryLimit::SqliteMemoryLimit(int64_t bytes, const std::function<bool()>& must_stop) {
  budget = {.must_stop = &must_stop, .left = bytes};
}

SqliteMemoryLimit::~SqliteMemoryLimit() { budget = {}; }

}  // namespace bowerbird::store
