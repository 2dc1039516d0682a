// SPDX-License-Identifier: Apache-2.0
#include "audio/resampler.h"

#include <samplerate.h>

#include <cmath>
#include <utility>

#include "audio/format.h"
#include "base/status.h"

namespace bowerbird::audio {

struct Resampler::Impl {
  Impl(SRC_STATE* made, double by) : state(made), ratio(by) {}
  ~Impl() { src_delete(state); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  SRC_STATE* const state;
  const double ratio;
};

Resampler::Resampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

absl::StatusOr<Resampler> Resampler::Create(int from_hz, int to_hz) {
  RETURN_IF_ERROR(CheckFormat({from_hz, 1}));
  RETURN_IF_ERROR(CheckFormat({to_hz, 1}));
  if (from_hz == to_hz) return Resampler(nullptr);
  const double ratio = static_cast<double>(to_hz) / from_hz;
  if (src_is_valid_ratio(ratio) == 0)
    return InvalidArgument("sound of " + std::to_string(from_hz) + " Hz cannot be turned into " +
                           std::to_string(to_hz) + " Hz");
  int error = 0;
  // -97 dB of noise, 97 % of the band; the best one costs five times as much for nothing that a
  // model or an ear notices.
  SRC_STATE* state = src_new(SRC_SINC_MEDIUM_QUALITY, 1, &error);
  if (state == nullptr) return Internal(std::string("resampling: ") + src_strerror(error));
  return Resampler(std::make_unique<Impl>(state, ratio));
}

absl::StatusOr<std::vector<float>> Resampler::Push(std::span<const float> samples, bool last) {
  if (impl_ == nullptr) return std::vector<float>(samples.begin(), samples.end());
  constexpr size_t kSpare = 256;
  static constexpr float kNothing = 0;
  std::vector<float> out;
  size_t used = 0;
  for (;;) {
    std::vector<float> piece(
        static_cast<size_t>(std::ceil(static_cast<double>(samples.size() - used) * impl_->ratio)) +
        kSpare);
    SRC_DATA data{};
    // The library takes no pointer for no wish to end.
    data.data_in = samples.empty() ? &kNothing : samples.data() + used;
    data.input_frames = static_cast<long>(samples.size() - used);
    data.data_out = piece.data();
    data.output_frames = static_cast<long>(piece.size());
    data.src_ratio = impl_->ratio;
    data.end_of_input = last ? 1 : 0;
    const int error = src_process(impl_->state, &data);
    if (error != 0) return Internal(std::string("resampling: ") + src_strerror(error));
    used += static_cast<size_t>(data.input_frames_used);
    out.insert(out.end(), piece.begin(), piece.begin() + data.output_frames_gen);
    if (data.output_frames_gen == 0 && data.input_frames_used == 0) return out;
    if (used == samples.size() && !last && data.output_frames_gen < data.output_frames) return out;
  }
}

}  // namespace bowerbird::audio
