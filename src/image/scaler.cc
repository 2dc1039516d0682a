// SPDX-License-Identifier: Apache-2.0
#include "image/scaler.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace bowerbird::image {
namespace {

// Filtered rows that are kept: enough for the taps of any usual reduction.
constexpr int kMaxRing = 128;
// FilterDown adds this many rows in one sweep.
constexpr int kSweep = 4;
// Four-lane loads and stores of three channels reach one float further.
constexpr size_t kSlack = 4;

using Float4 = float __attribute__((vector_size(16)));
using Int4 = int32_t __attribute__((vector_size(16)));

inline Float4 Load(const float* from) {
  Float4 value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
inline void Store(float* to, Float4 value) { std::memcpy(to, &value, sizeof(value)); }

// floor(sum / weights) for integers, by the bias and inverse that AddOutput made.
inline float Quotient(float sum, float bias, float inverse) {
  return static_cast<float>(static_cast<int>((sum + bias) * inverse));
}
inline Float4 Quotient(Float4 sum, float bias, float inverse) {
  return __builtin_convertvector(__builtin_convertvector((sum + bias) * inverse, Int4), Float4);
}

// Half a unit lifts every exact quotient over the rounding error of (sum + bias) * inverse, and
// none to the next integer, as long as the weights add up to no more than this.
constexpr float kMaxExactSum = 64 * 256;

// One output of MakeAxisFilter: weights for the pixels from `start` on, which may lie outside.
void AddOutput(int length, int start, const std::vector<float>& weights, bool rounds,
               AxisFilter& filter) {
  const int first = std::clamp(start, 0, length - filter.taps);
  const size_t base = filter.weights.size();
  filter.weights.resize(base + static_cast<size_t>(filter.taps), 0.0f);
  float sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int pixel = std::clamp(start + static_cast<int>(i), 0, length - 1);
    filter.weights[base + static_cast<size_t>(pixel - first)] += weights[i];
    sum += weights[i];
  }
  filter.first.push_back(first);
  filter.inverse.push_back(1.0f / sum);
  filter.bias.push_back(rounds || sum > kMaxExactSum ? sum / 2 : 0.5f);
}

void AddTriangle(int from, double scale, int index, std::vector<float>& weights,
                 AxisFilter& filter) {
  const double center = scale * (index + 0.5) - 0.5;
  const double squeeze = std::min(1.0 / scale, 1.0);
  const int support = static_cast<int>(weights.size());
  const int start = static_cast<int>(center) - support / 2 + 1;
  for (int i = 0; i < support; ++i) {
    const double distance = std::abs((center - start - i) * squeeze);
    // The same truncation as the reference machine: 1/256 steps.
    weights[static_cast<size_t>(i)] =
        static_cast<float>(static_cast<int>(std::max(0.0, 1.0 - distance) * 256.0));
  }
  AddOutput(from, start, weights, false, filter);
}

void AddBilinear(int from, double scale, int index, std::vector<float>& weights,
                 AxisFilter& filter) {
  const double center = scale * (index + 0.5) - 0.5;
  const double start = std::floor(center);
  weights[1] = static_cast<float>(center - start);
  weights[0] = 1.0f - weights[1];
  AddOutput(from, static_cast<int>(start), weights, true, filter);
}

template <int kChannels>
void Across(const AxisFilter& filter, const float* source, bool truncate, float* out) {
  const size_t outputs = filter.first.size();
  const int taps = filter.taps;
  const float* weights = filter.weights.data();
  for (size_t x = 0; x < outputs; ++x, weights += taps, out += kChannels) {
    const float* pixel = source + filter.first[x] * kChannels;
    if constexpr (kChannels == 1) {
      float sum = 0;
      for (int t = 0; t < taps; ++t) sum += weights[t] * pixel[t];
      *out = truncate ? Quotient(sum, filter.bias[x], filter.inverse[x]) : sum;
    } else {
      Float4 sum{};
      for (int t = 0; t < taps; ++t) sum += weights[t] * Load(pixel + t * kChannels);
      // The fourth lane of three channels is overwritten by the next pixel.
      Store(out, truncate ? Quotient(sum, filter.bias[x], filter.inverse[x]) : sum);
    }
  }
}

}  // namespace

AxisFilter MakeAxisFilter(int from, int to, Filter filter) {
  AxisFilter result;
  result.identity = from == to;
  if (result.identity) return result;
  const double scale = static_cast<double>(from) / to;
  const bool triangle = filter == Filter::kTriangle;
  const int support = triangle ? 2 * static_cast<int>(std::max(std::ceil(scale), 1.0)) : 2;
  result.taps = std::min(support, from);
  result.first.reserve(static_cast<size_t>(to));
  result.inverse.reserve(static_cast<size_t>(to));
  result.weights.reserve(static_cast<size_t>(to) * static_cast<size_t>(result.taps));
  std::vector<float> weights(static_cast<size_t>(support));
  for (int i = 0; i < to; ++i) {
    triangle ? AddTriangle(from, scale, i, weights, result)
             : AddBilinear(from, scale, i, weights, result);
  }
  return result;
}

std::vector<int> NearestIndexes(int from, int to) {
  std::vector<int> indexes(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    // floor((i + 1/2) * from / to) without rounding.
    indexes[static_cast<size_t>(i)] =
        static_cast<int>((2 * int64_t{i} + 1) * from / (2 * int64_t{to}));
  }
  return indexes;
}

Scaler::Scaler(Size from, Size to, Filter filter, int channels)
    : from_(from), to_(to), filter_(filter), channels_(channels) {
  scratch_.resize(static_cast<size_t>(from.width) * static_cast<size_t>(channels));
  if (filter == Filter::kNearest) return;
  across_ = MakeAxisFilter(from.width, to.width, filter);
  down_ = MakeAxisFilter(from.height, to.height, filter);
  source_.resize(static_cast<size_t>(from.width) * static_cast<size_t>(channels) + kSlack);
  ring_stride_ = static_cast<size_t>(to.width) * static_cast<size_t>(channels) + kSlack;
  sums_.resize(ring_stride_);
  const int rows = std::clamp(down_.taps, kSweep, kMaxRing);
  ring_rows_.assign(static_cast<size_t>(rows), -1);
  ring_.resize(ring_stride_ * static_cast<size_t>(rows));
}

void Scaler::Run(ReadRow read, WriteRow write) {
  if (from_ == to_) {
    for (int y = 0; y < to_.height; ++y) write(y, read(y, scratch_.data()));
  } else if (filter_ == Filter::kNearest) {
    RunNearest(read, write);
  } else {
    RunFiltered(read, write);
  }
}

void Scaler::RunNearest(ReadRow read, WriteRow write) {
  const std::vector<int> columns = NearestIndexes(from_.width, to_.width);
  const std::vector<int> rows = NearestIndexes(from_.height, to_.height);
  const auto bytes = static_cast<size_t>(channels_);
  std::vector<uint8_t> out(columns.size() * bytes);
  int current = -1;
  for (int y = 0; y < to_.height; ++y) {
    if (const int source = rows[static_cast<size_t>(y)]; source != current) {
      const uint8_t* row = read(source, scratch_.data());
      uint8_t* target = out.data();
      for (const int column : columns) {
        const uint8_t* pixel = row + static_cast<size_t>(column) * bytes;
        for (size_t c = 0; c < bytes; ++c) *target++ = pixel[c];
      }
      current = source;
    }
    write(y, out.data());
  }
}

void Scaler::RunFiltered(ReadRow read, WriteRow write) {
  std::vector<uint8_t> out(static_cast<size_t>(to_.width) * static_cast<size_t>(channels_));
  for (int y = 0; y < to_.height; ++y) {
    FilterDown(y, read, out.data());
    write(y, out.data());
  }
}

const float* Scaler::Filtered(int y, ReadRow read) {
  const size_t slot = static_cast<size_t>(y) % ring_rows_.size();
  float* row = &ring_[slot * ring_stride_];
  if (ring_rows_[slot] != y) {
    FilterAcross(read(y, scratch_.data()), row);
    ring_rows_[slot] = y;
  }
  return row;
}

void Scaler::FilterAcross(const uint8_t* row, float* out) {
  const size_t count = scratch_.size();
  float* __restrict source = across_.identity ? out : source_.data();
  for (size_t i = 0; i < count; ++i) source[i] = row[i];
  if (across_.identity) return;
  const bool truncate = filter_ == Filter::kTriangle;
  if (channels_ == 1) {
    Across<1>(across_, source, truncate, out);
  } else if (channels_ == 3) {
    Across<3>(across_, source, truncate, out);
  } else {
    Across<4>(across_, source, truncate, out);
  }
}

void Scaler::FilterDown(int y, ReadRow read, uint8_t* __restrict out) {
  const size_t count = static_cast<size_t>(to_.width) * static_cast<size_t>(channels_);
  const int taps = down_.identity ? 1 : down_.taps;
  const int first = down_.identity ? y : down_.first[static_cast<size_t>(y)];
  const float one = 1.0f;
  const float* weights =
      down_.identity ? &one : &down_.weights[static_cast<size_t>(y) * static_cast<size_t>(taps)];
  const float inverse = down_.identity ? 1.0f : down_.inverse[static_cast<size_t>(y)];
  const float bias = down_.identity ? 0.5f : down_.bias[static_cast<size_t>(y)];
  float* __restrict sums = sums_.data();
  std::fill_n(sums, count, 0.0f);
  int t = 0;
  for (; t + kSweep <= taps; t += kSweep) {
    const float* r0 = Filtered(first + t, read);
    const float* r1 = Filtered(first + t + 1, read);
    const float* r2 = Filtered(first + t + 2, read);
    const float* r3 = Filtered(first + t + 3, read);
    const float w0 = weights[t], w1 = weights[t + 1], w2 = weights[t + 2], w3 = weights[t + 3];
    for (size_t i = 0; i < count; ++i) {
      sums[i] += w0 * r0[i] + w1 * r1[i] + w2 * r2[i] + w3 * r3[i];
    }
  }
  for (; t < taps; ++t) {
    const float* row = Filtered(first + t, read);
    const float weight = weights[t];
    for (size_t i = 0; i < count; ++i) sums[i] += weight * row[i];
  }
  for (size_t i = 0; i < count; ++i) {
    out[i] = static_cast<uint8_t>(static_cast<int>((sums[i] + bias) * inverse));
  }
}

}  // namespace bowerbird::image
