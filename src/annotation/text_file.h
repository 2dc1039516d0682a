// SPDX-License-Identifier: Apache-2.0
//
// Text files from front to end in bounded memory: bytes, lines, rows of CSV. Internal to this room.
//
// A byte order mark of UTF-8 at the start is passed over; lines end with "\n" or "\r\n".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

inline constexpr size_t kMaxLineBytes = size_t{16} << 20;
inline constexpr size_t kMaxRowBytes = size_t{1} << 20;

class TextFile {
 public:
  explicit TextFile(std::unique_ptr<ReadableFile> file);

  // What was read and not taken yet; empty only at the end of the file.
  absl::StatusOr<std::string_view> Peek();
  // At most as many as Peek showed.
  void Take(size_t bytes) { begin_ += bytes; }
  // The next byte, or -1 at the end.
  absl::StatusOr<int> TakeByte();

  // Without its end; valid until the next call. nullopt at the end. RESOURCE_EXHAUSTED for a line
  // of more than kMaxLineBytes.
  absl::StatusOr<std::optional<std::string_view>> Line();

 private:
  absl::Status Fill();

  std::unique_ptr<ReadableFile> file_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
  uint64_t offset_ = 0;
  std::string line_;
};

// Rows as RFC 4180 has them: fields in double quotes may hold separators, line ends and doubled
// quotes. Empty lines are passed over.
class CsvFile {
 public:
  // The separator is what the first line has most of: comma, semicolon or tab.
  explicit CsvFile(std::unique_ptr<ReadableFile> file);

  struct Row {
    uint64_t line = 0;  // where it starts, from 1
    std::vector<std::string> fields;
  };
  // False at the end. RESOURCE_EXHAUSTED for a row of more than kMaxRowBytes: mostly a quote that
  // is never closed.
  absl::StatusOr<bool> Next(Row& row);

 private:
  absl::Status FindSeparator();
  absl::StatusOr<bool> ReadRow(Row& row);

  TextFile text_;
  char separator_ = 0;
  uint64_t line_ = 1;
};

// A field as CSV wants it: in quotes if it has to be.
std::string CsvField(std::string_view text);

}  // namespace bowerbird::annotation
