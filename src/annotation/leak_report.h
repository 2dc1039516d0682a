// SPDX-License-Identifier: Apache-2.0
//
// Near-duplicates that a split put on different sides: what makes a validation score too good.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/values.h"

namespace bowerbird::annotation {

struct LeakCandidate {
  std::optional<uint64_t> perceptual_hash{};
  Split split = Split::kTraining;
};

// Two items by their places in the list, on different sides.
struct LeakingPair {
  size_t first = 0, second = 0;  // first < second
  uint32_t different_bits = 0;
};

struct LeakReport {
  std::vector<LeakingPair> pairs;  // the most alike first, then by place; at most the limit
  uint64_t pair_count = 0;         // all of them
};

// Pairs whose hashes differ in at most `bits` bits. INVALID_ARGUMENT above kMaxNearDuplicateBits.
absl::StatusOr<LeakReport> FindLeaks(std::span<const LeakCandidate> items, uint32_t bits,
                                     size_t limit = 1000);

}  // namespace bowerbird::annotation
