// SPDX-License-Identifier: Apache-2.0
//
// One channel from one sample rate to another, piece by piece, by libsamplerate's band-limited
// interpolation.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::audio {

// Not thread-safe.
class Resampler {
 public:
  // INVALID_ARGUMENT: rates that are more than a factor of 256 apart, or out of range.
  static absl::StatusOr<Resampler> Create(int from_hz, int to_hz);
  ~Resampler();
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;

  // What comes out lags behind what goes in; `last` gives the rest of it.
  absl::StatusOr<std::vector<float>> Push(std::span<const float> samples, bool last = false);

 private:
  struct Impl;
  explicit Resampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // null: both rates are the same
};

}  // namespace bowerbird::audio
