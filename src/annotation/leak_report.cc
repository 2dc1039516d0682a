// SPDX-License-Identifier: Apache-2.0
#include "annotation/leak_report.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "annotation/near_duplicates.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kSides = 3;

// The items of one hash, by side.
using Sides = std::array<std::vector<uint32_t>, kSides>;

bool Before(const LeakingPair& a, const LeakingPair& b) {
  return std::tie(a.different_bits, a.first, a.second) <
         std::tie(b.different_bits, b.first, b.second);
}

// The best `limit` pairs seen, as a heap whose top is the worst of them.
class BestPairs {
 public:
  explicit BestPairs(size_t limit) : limit_(limit) {}

  // False when it is no better than what is kept already.
  bool Offer(const LeakingPair& pair) {
    if (limit_ == 0) return false;
    if (pairs_.size() == limit_) {
      if (!Before(pair, pairs_.front())) return false;
      std::pop_heap(pairs_.begin(), pairs_.end(), Before);
      pairs_.back() = pair;
    } else {
      pairs_.push_back(pair);
    }
    std::push_heap(pairs_.begin(), pairs_.end(), Before);
    return true;
  }

  std::vector<LeakingPair> Sorted() && {
    std::sort(pairs_.begin(), pairs_.end(), Before);
    return std::move(pairs_);
  }

 private:
  size_t limit_;
  std::vector<LeakingPair> pairs_;
};

// Every item of `a` with every one of `b`: counted at once, listed only as long as it matters. The
// lists are sorted, so pairs come in ascending order and what follows a refused one is refused.
void Cross(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b, uint32_t bits,
           BestPairs& best, uint64_t& count) {
  count += uint64_t{a.size()} * b.size();
  for (const uint32_t one : a) {
    bool taken = false;
    for (const uint32_t other : b) {
      if (!best.Offer({std::min(one, other), std::max(one, other), bits})) break;
      taken = true;
    }
    if (!taken) break;
  }
}

}  // namespace

absl::StatusOr<LeakReport> FindLeaks(std::span<const LeakCandidate> items, uint32_t bits,
                                     size_t limit) {
  if (bits > kMaxNearDuplicateBits) {
    return InvalidArgument("near-duplicates of " + std::to_string(bits) +
                           " different bits: at most " + std::to_string(kMaxNearDuplicateBits) +
                           " of the 64 say that pictures look alike");
  }
  std::vector<std::pair<uint64_t, uint32_t>> hashed;
  for (uint32_t i = 0; i < items.size(); ++i) {
    if (items[i].perceptual_hash.has_value()) hashed.emplace_back(*items[i].perceptual_hash, i);
  }
  std::sort(hashed.begin(), hashed.end());
  std::vector<uint64_t> values;
  std::vector<Sides> sides;
  for (const auto& [hash, item] : hashed) {
    if (values.empty() || values.back() != hash) {
      values.push_back(hash);
      sides.emplace_back();
    }
    sides.back()[static_cast<size_t>(items[item].split)].push_back(item);
  }
  BestPairs best(limit);
  LeakReport report;
  const auto compare = [&](const Sides& a, const Sides& b, uint32_t distance, bool same) {
    for (size_t x = 0; x < kSides; ++x) {
      for (size_t y = same ? x + 1 : 0; y < kSides; ++y) {
        if (x != y) Cross(a[x], b[y], distance, best, report.pair_count);
      }
    }
  };
  for (const Sides& one : sides) compare(one, one, 0, true);
  FindNearPairs(values, bits, [&](size_t a, size_t b, uint32_t distance) {
    compare(sides[a], sides[b], distance, false);
  });
  report.pairs = std::move(best).Sorted();
  return report;
}

}  // namespace bowerbird::annotation
