// SPDX-License-Identifier: Apache-2.0
//
// Divides a dataset into training, validation and test side, the same way on every machine, and
// keeps together what belongs together.
//
// The rule: items are ordered by SHA-256(seed ‖ key), the seed as decimal digits, the key's bytes
// right behind it (`printf '%s%s' 1 a.jpg | sha256sum`); the first of them, as many as the
// validation fraction of all asks for (rounded), are validation, the next are test, the rest
// training. A group of items stays on one side: it has the place of its first item in that order,
// and goes to validation or test only as a whole and only if it still fits, so a side is never
// larger than asked for. Where nothing fits, the smallest group is taken rather than none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/values.h"

namespace bowerbird::annotation {

struct SplitRule {
  uint64_t seed = 0;
  double validation_fraction = 0.2;  // 0..1
  double test_fraction = 0;          // 0..1; together at most 1
  // Items whose perceptual hashes differ in at most so many bits are one group, and so are chains
  // of them. nullopt: hashes are not looked at. At most kMaxNearDuplicateBits.
  std::optional<uint32_t> near_duplicate_bits{};
  // Items of one source with at most so many seconds from one to the next are one group. 0: time is
  // not looked at.
  double burst_seconds = 0;
};

// What is known of an item. Views must stay valid during the call.
struct SplitItem {
  std::string_view key{};  // relative path or content hash; unique
  std::optional<uint64_t> perceptual_hash{};
  std::string_view source{};             // the camera: bursts are found within one source
  std::optional<int64_t> nanoseconds{};  // when it was captured, since 1970
};

// A side for each item, in their order. INVALID_ARGUMENT: fractions, bits or seconds out of range.
absl::StatusOr<std::vector<Split>> AssignSplits(std::span<const SplitItem> items,
                                                const SplitRule& rule);

// A number for each item, equal for those of one group: the index of the group's first item.
absl::StatusOr<std::vector<uint32_t>> GroupItems(std::span<const SplitItem> items,
                                                 const SplitRule& rule);

}  // namespace bowerbird::annotation
