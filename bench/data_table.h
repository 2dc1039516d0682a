// SPDX-License-Identifier: Apache-2.0
//
// A generated table of items for benchmarks: rows only, without files, written by the database
// itself because a million uploads take minutes.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace bowerbird::bench {

// What the rows are: one item a second from kTableStart on, of 20 cameras in turn. Nine of ten are
// tagged with one of the five common tags "common0".."common4"; one of 997 also with "rare"; each
// has a box labelled "label0".."label9"; all are members of the dataset.
inline constexpr long kTableStart = 1'700'000'000;
inline constexpr const char* kTableOrganization = "org";
inline constexpr const char* kTableDataset = "0123456789abcdef01234567";

struct TableOptions {
  long items = 1'000'000;
  // Of each item; the index of labels knows the first alone.
  int boxes = 1;
  std::string organization = kTableOrganization;
};

// `location` as store::DatabaseOptions has it. A database that was filled before stays as it is.
absl::Status FillTable(const std::string& location, const TableOptions& options);

}  // namespace bowerbird::bench
