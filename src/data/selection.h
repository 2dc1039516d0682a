// SPDX-License-Identifier: Apache-2.0
//
// A filter over items, resolved to numbers, and the statements that it becomes.
//
// A page is a merge of legs: each leg is a range of one index in the order of time, so a page costs
// a few index look-ups whatever the number of items and however deep it lies. Legs are the sources
// or the whole organization, times the terms of the rarest group (a group: tags, box labels, or the
// dataset, of which one must be there); the other groups are looked up for each candidate.
// Internal to this room.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/core.h"
#include "data/filter.h"

namespace bowerbird::data {

struct Position {
  int64_t t = 0;
  int64_t item = 0;
};

struct Selection {
  bool nothing = false;  // no item can match
  int64_t org = 0;
  std::optional<std::vector<int64_t>> sources{};  // none: all of the organization
  std::optional<int64_t> tagged{};                // 0 or 1
  std::vector<std::vector<int64_t>> groups{};     // the rarest first
  std::optional<int64_t> start{}, end{};          // end excluded
};

absl::StatusOr<Selection> Select(Connection& connection, const Caller& caller,
                                 const Filter& filter);

// Up to `limit` items after `after` in the given order.
absl::StatusOr<std::vector<Position>> PageOf(Connection& connection, const Selection& selection,
                                             const std::optional<Position>& after, Order order,
                                             uint64_t limit);

absl::StatusOr<Totals> CountOf(Connection& connection, const Selection& selection);

// The text that Items::List gives out to go on, and back. INVALID_ARGUMENT if it is not such.
std::string TokenOf(const Position& position);
absl::StatusOr<std::optional<Position>> PositionOf(const std::string& token);

}  // namespace bowerbird::data
