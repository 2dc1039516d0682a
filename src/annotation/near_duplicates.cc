// SPDX-License-Identifier: Apache-2.0
#include "annotation/near_duplicates.h"

#include <algorithm>

#include "annotation/perceptual_hash.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kFewValues = 2048;  // compared all with all: cheaper than any index
constexpr uint32_t kBandBits = 16;
constexpr uint32_t kBands = 64 / kBandBits;
constexpr size_t kBuckets = size_t{1} << kBandBits;

uint32_t BandOf(uint64_t value, uint32_t band) {
  return static_cast<uint32_t>(value >> (band * kBandBits)) & (kBuckets - 1);
}

// A pair that differs little in several bands is found in each of them: it counts in the first.
bool IsFirstBand(uint64_t difference, uint32_t band, uint32_t radius) {
  for (uint32_t earlier = 0; earlier < band; ++earlier) {
    if (static_cast<uint32_t>(std::popcount(BandOf(difference, earlier))) <= radius) return false;
  }
  return true;
}

// All band values with at most `radius` bits set: what a neighbouring bucket's number differs in.
std::vector<uint32_t> Neighbours(uint32_t radius) {
  std::vector<uint32_t> masks;
  for (uint32_t mask = 0; mask < kBuckets; ++mask) {
    if (static_cast<uint32_t>(std::popcount(mask)) <= radius) masks.push_back(mask);
  }
  return masks;
}

// The values in the order of one band: bucket b is [starts[b], starts[b + 1]). The values are
// copied so that a bucket is read in one go.
struct Buckets {
  Buckets(std::span<const uint64_t> all, uint32_t band)
      : starts(kBuckets + 1), indices(all.size()), values(all.size()) {
    for (const uint64_t value : all) ++starts[BandOf(value, band) + 1];
    for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
    for (size_t i = 0; i < all.size(); ++i) {
      const uint32_t at = next[BandOf(all[i], band)]++;
      indices[at] = static_cast<uint32_t>(i);
      values[at] = all[i];
    }
  }
  std::vector<uint32_t> starts, indices;
  std::vector<uint64_t> values;
};

void FindInBand(std::span<const uint64_t> values, uint32_t bits, uint32_t band,
                const std::vector<uint32_t>& masks, uint32_t radius,
                const std::function<void(size_t, size_t, uint32_t)>& found) {
  const Buckets buckets(values, band);
  for (uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    for (const uint32_t mask : masks) {
      const uint32_t other = bucket ^ mask;
      if (other < bucket) continue;
      for (uint32_t a = buckets.starts[bucket]; a < buckets.starts[bucket + 1]; ++a) {
        const uint32_t first = other == bucket ? a + 1 : buckets.starts[other];
        for (uint32_t b = first; b < buckets.starts[other + 1]; ++b) {
          const uint64_t difference = buckets.values[a] ^ buckets.values[b];
          const auto distance = static_cast<uint32_t>(std::popcount(difference));
          if (distance > bits || !IsFirstBand(difference, band, radius)) continue;
          const auto [low, high] = std::minmax(buckets.indices[a], buckets.indices[b]);
          found(low, high, distance);
        }
      }
    }
  }
}

}  // namespace

void FindNearPairs(std::span<const uint64_t> values, uint32_t bits,
                   const std::function<void(size_t, size_t, uint32_t)>& found) {
  bits = std::min(bits, kMaxNearDuplicateBits);
  if (values.size() <= kFewValues) {
    for (size_t i = 0; i < values.size(); ++i) {
      for (size_t j = i + 1; j < values.size(); ++j) {
        const uint32_t distance = HammingDistance(values[i], values[j]);
        if (distance <= bits) found(i, j, distance);
      }
    }
    return;
  }
  const uint32_t radius = bits / kBands;
  const std::vector<uint32_t> masks = Neighbours(radius);
  for (uint32_t band = 0; band < kBands; ++band) {
    FindInBand(values, bits, band, masks, radius, found);
  }
}

}  // namespace bowerbird::annotation
