// SPDX-License-Identifier: Apache-2.0
//
// How sound is written down. Inside this program it is float samples from -1 to 1, channels
// interleaved; a frame is one sample of each channel. On the wire and in files it is PCM.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::audio {

// The codecs of the wire that hold samples as they are, little-endian.
enum class Codec { kPcm16, kPcm32, kPcm32Float };

// "pcm16", "pcm32", "pcm32_float".
std::string_view NameOf(Codec codec);
// Any case; "" is pcm16. INVALID_ARGUMENT lists what there is.
absl::StatusOr<Codec> CodecFromName(std::string_view name);
size_t BytesPerSample(Codec codec);

struct Format {
  int sample_rate_hz = 0;
  int channels = 0;

  friend bool operator==(const Format&, const Format&) = default;
};

inline constexpr int kMinSampleRate = 1000;
inline constexpr int kMaxSampleRate = 384000;
inline constexpr int kMaxChannels = 32;

// INVALID_ARGUMENT outside of these limits.
absl::Status CheckFormat(const Format& format);

// Values beyond -1..1 are cut; what is no number becomes 0.
std::string Encode(Codec codec, std::span<const float> samples);
// INVALID_ARGUMENT: not whole samples.
absl::StatusOr<std::vector<float>> Decode(Codec codec, std::string_view bytes);

// A WAV file of PCM that is written down already. INVALID_ARGUMENT: more than the 4 GiB that its
// header can tell.
absl::StatusOr<std::string> WavFile(Codec codec, const Format& format, std::string_view pcm);

// The mean of the channels of each frame.
std::vector<float> ToMono(std::span<const float> samples, int channels);

}  // namespace bowerbird::audio
