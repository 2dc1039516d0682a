// SPDX-License-Identifier: Apache-2.0
//
// PostgreSQL's binary COPY format (its manual, "COPY", "Binary Format"): a signature of 11 bytes, a
// word of flags, an extension with its length, then rows, each the number of its fields and every
// field with its length (-1: null), and -1 at the end; all numbers big-endian. It comes in pieces
// that may end anywhere.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "store/database.h"

namespace bowerbird::store {

class PostgresqlCopyReader {
 public:
  // Hands the rows that are complete to `row`, whose error ends the reading and is returned.
  // INTERNAL: these are not such bytes.
  absl::Status Take(std::string_view bytes, const Connection::OnRow& row);
  // Whether the end was read.
  bool is_complete() const { return is_complete_; }

 private:
  // How many bytes at the beginning of `bytes` were read.
  absl::StatusOr<size_t> Read(std::string_view bytes, const Connection::OnRow& row);

  std::string rest_;  // of the piece before: what is not complete
  bool has_head_ = false;
  bool is_complete_ = false;
};

}  // namespace bowerbird::store
