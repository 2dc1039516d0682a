// SPDX-License-Identifier: Apache-2.0
#include "annotation/split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <tuple>

#include "annotation/near_duplicates.h"
#include "base/sha256.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

absl::Status CheckRule(const SplitRule& rule, size_t items) {
  const double sum = rule.validation_fraction + rule.test_fraction;
  if (!(rule.validation_fraction >= 0) || !(rule.test_fraction >= 0) || !(sum <= 1 + 1e-9)) {
    return InvalidArgument(
        "validation and test fractions are " + std::to_string(rule.validation_fraction) + " and " +
        std::to_string(rule.test_fraction) + ": give numbers from 0 to 1 whose sum is at most 1");
  }
  if (rule.near_duplicate_bits.value_or(0) > kMaxNearDuplicateBits) {
    return InvalidArgument("near-duplicates of " + std::to_string(*rule.near_duplicate_bits) +
                           " different bits: at most " + std::to_string(kMaxNearDuplicateBits) +
                           " of the 64 say that pictures look alike");
  }
  if (!(rule.burst_seconds >= 0) || rule.burst_seconds > 1e9) {
    return InvalidArgument("burst seconds are " + std::to_string(rule.burst_seconds) +
                           ": give a number from 0 to 1e9");
  }
  if (items > UINT32_MAX / 2) return ResourceExhausted("too many items to split at once");
  return absl::OkStatus();
}

// Union by smallest index, so that a group's number is its first item.
class Groups {
 public:
  explicit Groups(size_t count) : parents_(count) {
    std::iota(parents_.begin(), parents_.end(), uint32_t{0});
  }
  uint32_t Find(uint32_t item) {
    while (parents_[item] != item) {
      parents_[item] = parents_[parents_[item]];
      item = parents_[item];
    }
    return item;
  }
  void Join(uint32_t a, uint32_t b) {
    a = Find(a);
    b = Find(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<uint32_t> parents_;
};

void JoinLookAlikes(std::span<const SplitItem> items, uint32_t bits, Groups& groups) {
  std::vector<std::pair<uint64_t, uint32_t>> hashed;
  for (uint32_t i = 0; i < items.size(); ++i) {
    if (items[i].perceptual_hash.has_value()) hashed.emplace_back(*items[i].perceptual_hash, i);
  }
  std::sort(hashed.begin(), hashed.end());
  std::vector<uint64_t> values;
  std::vector<uint32_t> firsts;  // the first item of each value
  for (const auto& [hash, item] : hashed) {
    if (values.empty() || values.back() != hash) {
      values.push_back(hash);
      firsts.push_back(item);
    }
    groups.Join(firsts.back(), item);
  }
  FindNearPairs(values, bits,
                [&](size_t a, size_t b, uint32_t) { groups.Join(firsts[a], firsts[b]); });
}

void JoinBursts(std::span<const SplitItem> items, double seconds, Groups& groups) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < items.size(); ++i) {
    if (items[i].nanoseconds.has_value()) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::tie(items[a].source, *items[a].nanoseconds, a) <
           std::tie(items[b].source, *items[b].nanoseconds, b);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const SplitItem& before = items[order[i - 1]];
    const SplitItem& after = items[order[i]];
    // In doubles: the difference of two times of any clock may not fit 64 bits.
    const double gap =
        (static_cast<double>(*after.nanoseconds) - static_cast<double>(*before.nanoseconds)) * 1e-9;
    if (before.source == after.source && gap <= seconds) groups.Join(order[i - 1], order[i]);
  }
}

struct Group {
  Sha256Digest place{};  // of its first item in the order
  uint32_t number = 0;
  uint32_t size = 0;
};

std::vector<Group> OrderedGroups(std::span<const SplitItem> items,
                                 std::span<const uint32_t> numbers, uint64_t seed) {
  const std::string prefix = std::to_string(seed);
  std::vector<Group> by_number(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    Sha256 hash;
    hash.Update(prefix);
    hash.Update(items[i].key);
    const Sha256Digest place = hash.Finish();
    Group& group = by_number[numbers[i]];
    if (group.size == 0 || place < group.place) group.place = place;
    group.number = numbers[i];
    ++group.size;
  }
  std::erase_if(by_number, [](const Group& group) { return group.size == 0; });
  std::sort(by_number.begin(), by_number.end(), [](const Group& a, const Group& b) {
    return std::tie(a.place, a.number) < std::tie(b.place, b.number);
  });
  return by_number;
}

// Gives `side` to groups that have none, up to `wanted` items, in order.
void Fill(std::span<const Group> groups, uint64_t wanted, Split side, std::vector<Split>& sides) {
  uint64_t taken = 0;
  const Group* smallest = nullptr;
  for (const Group& group : groups) {
    if (sides[group.number] != Split::kTraining) continue;
    if (smallest == nullptr || group.size < smallest->size) smallest = &group;
    if (taken + group.size > wanted) continue;
    taken += group.size;
    sides[group.number] = side;
    if (taken == wanted) return;
  }
  if (taken == 0 && wanted > 0 && smallest != nullptr && groups.size() > 1) {
    sides[smallest->number] = side;
  }
}

}  // namespace

absl::StatusOr<std::vector<uint32_t>> GroupItems(std::span<const SplitItem> items,
                                                 const SplitRule& rule) {
  RETURN_IF_ERROR(CheckRule(rule, items.size()));
  Groups groups(items.size());
  if (rule.near_duplicate_bits.has_value()) {
    JoinLookAlikes(items, *rule.near_duplicate_bits, groups);
  }
  if (rule.burst_seconds > 0) JoinBursts(items, rule.burst_seconds, groups);
  std::vector<uint32_t> numbers(items.size());
  for (uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = groups.Find(i);
  return numbers;
}

absl::StatusOr<std::vector<Split>> AssignSplits(std::span<const SplitItem> items,
                                                const SplitRule& rule) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t> numbers, GroupItems(items, rule));
  const std::vector<Group> groups = OrderedGroups(items, numbers, rule.seed);
  const auto wanted = [&](double fraction) {
    return static_cast<uint64_t>(std::llround(fraction * static_cast<double>(items.size())));
  };
  std::vector<Split> of_group(items.size(), Split::kTraining);
  const uint64_t validation = wanted(rule.validation_fraction);
  Fill(groups, validation, Split::kValidation, of_group);
  const uint64_t test = std::min<uint64_t>(wanted(rule.test_fraction), items.size() - validation);
  Fill(groups, test, Split::kTest, of_group);
  std::vector<Split> sides(items.size());
  for (size_t i = 0; i < sides.size(); ++i) sides[i] = of_group[numbers[i]];
  return sides;
}

}  // namespace bowerbird::annotation
