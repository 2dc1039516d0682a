// SPDX-License-Identifier: Apache-2.0
//
// Samples that somebody sent, in any codec and at any rate: every value is a number from -1 to 1,
// what is written again is the same sound, and it can be resampled. The first byte is the codec,
// the next four are the rate, one more the channels.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "audio/format.h"
#include "audio/resampler.h"

namespace bowerbird::audio {
namespace {

constexpr size_t kHead = 6;
constexpr int kModelRate = 16000;

void Require(bool holds) {
  if (!holds) std::abort();
}

void Resample(int rate, std::span<const float> mono) {
  auto resampler = Resampler::Create(rate, kModelRate);
  if (!resampler.ok()) return;
  const size_t half = mono.size() / 2;
  const auto first = resampler->Push(mono.subspan(0, half));
  const auto rest = resampler->Push(mono.subspan(half), /*last=*/true);
  Require(first.ok() && rest.ok());
  for (const float sample : *rest) Require(std::isfinite(sample));
  const double expected = static_cast<double>(mono.size()) * kModelRate / rate;
  Require(std::abs(static_cast<double>(first->size() + rest->size()) - expected) <= 2);
}

void Check(Codec codec, const Format& format, std::string_view bytes) {
  const auto samples = Decode(codec, bytes);
  Require(samples.ok() == (bytes.size() % BytesPerSample(codec) == 0));
  if (!samples.ok()) return;
  for (const float sample : *samples) Require(sample >= -1 && sample <= 1);
  const std::string written = Encode(codec, *samples);
  const auto again = Decode(codec, written);
  Require(again.ok() && Encode(codec, *again) == written);
  const auto file = WavFile(codec, format, bytes);
  Require(file.ok() == CheckFormat(format).ok());
  if (!file.ok()) return;
  Require(file->size() == 44 + bytes.size() + bytes.size() % 2);
  Resample(format.sample_rate_hz, ToMono(*samples, format.channels));
}

}  // namespace
}  // namespace bowerbird::audio

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using bowerbird::audio::Codec;
  if (size < bowerbird::audio::kHead) return 0;
  bowerbird::audio::Format format;
  std::memcpy(&format.sample_rate_hz, data + 1, sizeof(format.sample_rate_hz));
  format.channels = data[5];
  bowerbird::audio::Check(static_cast<Codec>(data[0] % 3), format,
                          {reinterpret_cast<const char*>(data) + bowerbird::audio::kHead,
                           size - bowerbird::audio::kHead});
  return 0;
}
