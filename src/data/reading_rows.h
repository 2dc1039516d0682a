// SPDX-License-Identifier: Apache-2.0
//
// Pages of readings: a merge of the ranges of their sources, as in data/selection.h. Internal to
// this room.
#pragma once

#include <optional>
#include <vector>

#include "data/core.h"
#include "data/readings.h"
#include "data/selection.h"

namespace bowerbird::data {

struct ReadingSelection {
  bool nothing = false;
  int64_t org = 0;
  std::optional<std::vector<int64_t>> sources{};  // none: all of the organization
  std::optional<int64_t> start{}, end{};
};

absl::StatusOr<ReadingSelection> SelectReadings(Connection& connection, const Caller& caller,
                                                const Filter& filter);

struct ReadingRow {
  Position position;
  int64_t source = 0;
  Reading reading{};
};

absl::StatusOr<std::vector<ReadingRow>> PageOfReadings(Connection& connection,
                                                       const ReadingSelection& selection,
                                                       const std::optional<Position>& after,
                                                       Order order, uint64_t limit);

absl::StatusOr<Totals> CountReadings(Connection& connection, const ReadingSelection& selection);

// Rows of readings of these sources received before `before`, at most `limit` of them.
absl::StatusOr<uint64_t> DeleteSomeReadings(Connection& connection,
                                            const ReadingSelection& selection, int64_t before,
                                            uint64_t limit);

}  // namespace bowerbird::data
