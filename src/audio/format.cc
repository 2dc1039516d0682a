// SPDX-License-Identifier: Apache-2.0
#include "audio/format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/status.h"

namespace bowerbird::audio {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are copied as they stand");

constexpr std::array kCodecs = {Codec::kPcm16, Codec::kPcm32, Codec::kPcm32Float};
constexpr double kScale16 = 32768;
constexpr double kScale32 = 2147483648;

float Cut(float sample) { return std::isnan(sample) ? 0 : std::clamp(sample, -1.0F, 1.0F); }

template <typename Integer>
Integer ToInteger(float sample, double scale) {
  const double scaled = std::nearbyint(static_cast<double>(Cut(sample)) * scale);
  return static_cast<Integer>(
      std::min(scaled, static_cast<double>(std::numeric_limits<Integer>::max())));
}

template <typename Stored, typename Convert>
std::string Store(std::span<const float> samples, Convert convert) {
  std::string bytes(samples.size() * sizeof(Stored), '\0');
  for (size_t i = 0; i < samples.size(); ++i) {
    const Stored stored = convert(samples[i]);
    std::memcpy(bytes.data() + i * sizeof(Stored), &stored, sizeof(Stored));
  }
  return bytes;
}

template <typename Stored, typename Convert>
std::vector<float> Load(std::string_view bytes, Convert convert) {
  std::vector<float> samples(bytes.size() / sizeof(Stored));
  for (size_t i = 0; i < samples.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    samples[i] = convert(stored);
  }
  return samples;
}

template <typename Number>
void Append(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

}  // namespace

std::string_view NameOf(Codec codec) {
  switch (codec) {
    case Codec::kPcm32:
      return "pcm32";
    case Codec::kPcm32Float:
      return "pcm32_float";
    default:
      return "pcm16";
  }
}

absl::StatusOr<Codec> CodecFromName(std::string_view name) {
  if (name.empty()) return Codec::kPcm16;
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const Codec codec : kCodecs)
    if (NameOf(codec) == lower) return codec;
  return InvalidArgument("the codec \"" + std::string(name.substr(0, 40)) +
                         "\" is not supported: ask for pcm16, pcm32 or pcm32_float");
}

size_t BytesPerSample(Codec codec) { return codec == Codec::kPcm16 ? 2 : 4; }

absl::Status CheckFormat(const Format& format) {
  if (format.sample_rate_hz < kMinSampleRate || format.sample_rate_hz > kMaxSampleRate)
    return InvalidArgument("a sample rate of " + std::to_string(format.sample_rate_hz) +
                           " Hz: it must be from " + std::to_string(kMinSampleRate) + " to " +
                           std::to_string(kMaxSampleRate));
  if (format.channels < 1 || format.channels > kMaxChannels)
    return InvalidArgument(std::to_string(format.channels) + " channels of sound: from 1 to " +
                           std::to_string(kMaxChannels) + " are possible");
  return absl::OkStatus();
}

std::string Encode(Codec codec, std::span<const float> samples) {
  switch (codec) {
    case Codec::kPcm16:
      return Store<int16_t>(samples, [](float one) { return ToInteger<int16_t>(one, kScale16); });
    case Codec::kPcm32:
      return Store<int32_t>(samples, [](float one) { return ToInteger<int32_t>(one, kScale32); });
    default:
      return Store<float>(samples, Cut);
  }
}

absl::StatusOr<std::vector<float>> Decode(Codec codec, std::string_view bytes) {
  if (bytes.size() % BytesPerSample(codec) != 0)
    return InvalidArgument(std::to_string(bytes.size()) + " bytes of " +
                           std::string(NameOf(codec)) + " are not whole samples of " +
                           std::to_string(BytesPerSample(codec)) + " bytes");
  switch (codec) {
    case Codec::kPcm16:
      return Load<int16_t>(bytes, [](int16_t one) {
        return static_cast<float>(static_cast<double>(one) / kScale16);
      });
    case Codec::kPcm32:
      return Load<int32_t>(bytes, [](int32_t one) {
        return static_cast<float>(static_cast<double>(one) / kScale32);
      });
    default:
      return Load<float>(bytes, Cut);
  }
}

absl::StatusOr<std::string> WavFile(Codec codec, const Format& format, std::string_view pcm) {
  constexpr size_t kHeader = 44;
  constexpr uint32_t kFormatBytes = 16;
  constexpr uint16_t kInteger = 1, kFloat = 3;
  RETURN_IF_ERROR(CheckFormat(format));
  if (pcm.size() > std::numeric_limits<uint32_t>::max() - kHeader)
    return InvalidArgument("more sound than a WAV file can hold, which is 4 GiB");
  const auto sample = static_cast<uint32_t>(BytesPerSample(codec));
  const auto frame = sample * static_cast<uint32_t>(format.channels);
  const auto size = static_cast<uint32_t>(pcm.size());
  std::string file;
  file.reserve(kHeader + pcm.size() + 1);
  const uint32_t padding = size % 2;  // chunks begin at even places
  file += "RIFF";
  Append(file, static_cast<uint32_t>(kHeader - 8) + size + padding);
  file += "WAVEfmt ";
  Append(file, kFormatBytes);
  Append(file, codec == Codec::kPcm32Float ? kFloat : kInteger);
  Append(file, static_cast<uint16_t>(format.channels));
  Append(file, static_cast<uint32_t>(format.sample_rate_hz));
  Append(file, static_cast<uint32_t>(format.sample_rate_hz) * frame);
  Append(file, static_cast<uint16_t>(frame));
  Append(file, static_cast<uint16_t>(8 * sample));
  file += "data";
  Append(file, size);
  file += pcm;
  file.append(padding, '\0');
  return file;
}

std::vector<float> ToMono(std::span<const float> samples, int channels) {
  if (channels <= 1) return {samples.begin(), samples.end()};
  const auto width = static_cast<size_t>(channels);
  std::vector<float> mono(samples.size() / width);
  for (size_t i = 0; i < mono.size(); ++i) {
    double sum = 0;
    for (size_t c = 0; c < width; ++c) sum += static_cast<double>(samples[i * width + c]);
    mono[i] = static_cast<float>(sum / channels);
  }
  return mono;
}

}  // namespace bowerbird::audio
