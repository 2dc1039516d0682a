// SPDX-License-Identifier: Apache-2.0
#include "store/postgresql_copy.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace bowerbird::store {
namespace {

using Rows = std::vector<std::vector<std::optional<std::string>>>;

std::string Number(int64_t value, int bytes) {
  std::string text;
  for (int byte = bytes - 1; byte >= 0; --byte) text += static_cast<char>(value >> (8 * byte));
  return text;
}

std::string Head() { return std::string("PGCOPY\n\377\r\n\0", 11) + Number(0, 4) + Number(0, 4); }
std::string Field(const std::string& bytes) {
  return Number(static_cast<int64_t>(bytes.size()), 4) + bytes;
}
std::string End() { return Number(-1, 2); }

// One row of two fields, of which the second is null, and one of none.
std::string TwoRows() {
  return Head() + Number(2, 2) + Field("abc") + Number(-1, 4) + Number(0, 2) + End();
}

struct Copied {
  absl::Status status;
  Rows rows;
  bool is_complete = false;
};

Copied Copy(const std::string& bytes, size_t piece) {
  Copied copied;
  PostgresqlCopyReader reader;
  for (size_t at = 0; at < bytes.size() && copied.status.ok(); at += piece) {
    copied.status = reader.Take(std::string_view(bytes).substr(at, piece), [&](const Row& row) {
      auto& fields = copied.rows.emplace_back();
      if (copied.rows.size() == 1) {
        for (int column = 0; column < 2; ++column) {
          fields.push_back(row.IsNull(column) ? std::nullopt
                                              : std::optional<std::string>(row.Text(column)));
        }
      }
      return absl::OkStatus();
    });
  }
  copied.is_complete = reader.is_complete();
  return copied;
}

TEST(PostgresqlCopyReader, RowsComeWholeHoweverTheBytesAreCut) {
  const std::string bytes = TwoRows();
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    const Copied copied = Copy(bytes, piece);
    EXPECT_TRUE(copied.status.ok()) << copied.status;
    EXPECT_EQ(copied.rows, (Rows{{"abc", std::nullopt}, {}})) << piece;
    EXPECT_TRUE(copied.is_complete);
  }
}

TEST(PostgresqlCopyReader, WhatEndsTooEarlyIsNotComplete) {
  const std::string bytes = TwoRows();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Copied copied = Copy(bytes.substr(0, size), bytes.size());
    EXPECT_TRUE(copied.status.ok()) << copied.status;
    EXPECT_FALSE(copied.is_complete) << size;
  }
}

TEST(PostgresqlCopyReader, NumbersHaveTheirSignAndTheirSize) {
  const std::string bytes = Head() + Number(4, 2) + Field(Number(INT64_MIN, 8)) +
                            Field(Number(-2, 4)) + Field(Number(300, 2)) + Field("") + End();
  PostgresqlCopyReader reader;
  int rows = 0;
  ASSERT_TRUE(reader
                  .Take(bytes,
                        [&](const Row& row) {
                          ++rows;
                          EXPECT_EQ(row.Integer(0), INT64_MIN);
                          EXPECT_EQ(row.Integer(1), -2);
                          EXPECT_EQ(row.Integer(2), 300);
                          EXPECT_EQ(row.Integer(3), 0);
                          EXPECT_FALSE(row.IsNull(3));
                          EXPECT_TRUE(row.IsNull(4));
                          return absl::OkStatus();
                        })
                  .ok());
  EXPECT_EQ(rows, 1);
}

TEST(PostgresqlCopyReader, OtherBytesAreRefused) {
  for (const std::string& bytes :
       {std::string("PGCOPY\n\377\r\n\1") + std::string(20, '\0'),  // not the signature
        Head().substr(0, 11) + Number(1 << 16, 4) + Number(0, 4),   // rows with object ids
        Head().substr(0, 15) + Number(-1, 4),                       // an extension without end
        Head() + Number(-2, 2), Head() + Number(1, 2) + Number(-2, 4), TwoRows() + "x"}) {
    EXPECT_EQ(Copy(bytes, bytes.size()).status.code(), absl::StatusCode::kInternal);
  }
}

TEST(PostgresqlCopyReader, AnErrorOfTheRowEndsTheReading) {
  PostgresqlCopyReader reader;
  int rows = 0;
  const absl::Status status = reader.Take(TwoRows(), [&](const Row&) {
    ++rows;
    return absl::CancelledError("enough");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace bowerbird::store
