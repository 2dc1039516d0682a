// SPDX-License-Identifier: Apache-2.0
//
// Models of audio_in: `microphone` (ALSA) and `sound_file`.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "audio/sound_reader.h"
#include "base/status.h"
#include "machine/audio.h"
#include "machine/builtins.h"
#include "machine/live_sound.h"

namespace bowerbird::machine {
namespace {

// Of a piece: a tenth of a second, so that a listener is never further behind than a person
// notices.
constexpr int kPiecesPerSecond = 10;
constexpr double kMaxDurationSeconds = 1e7;

std::vector<std::string> CodecNames() {
  std::vector<std::string> names;
  for (const auto codec : {audio::Codec::kPcm16, audio::Codec::kPcm32, audio::Codec::kPcm32Float})
    names.emplace_back(audio::NameOf(codec));
  return names;
}

size_t PieceFrames(const audio::Format& format) {
  return static_cast<size_t>(std::max(1, format.sample_rate_hz / kPiecesPerSecond));
}

AudioChunk MakeChunk(audio::Codec codec, const audio::Format& format,
                     const std::vector<float>& samples) {
  AudioChunk chunk;
  chunk.bytes = audio::Encode(codec, samples);
  chunk.info = {std::string(audio::NameOf(codec)), format.sample_rate_hz, format.channels};
  return chunk;
}

absl::Status CheckDuration(const AudioRequest& request) {
  if (request.duration_seconds >= 0 && request.duration_seconds <= kMaxDurationSeconds)
    return absl::OkStatus();
  return InvalidArgument("duration_seconds must be 0, for sound without end, or more");
}

// What goes on by itself: a microphone, or a file that stands for one.
class LiveAudioIn : public AudioIn {
 public:
  explicit LiveAudioIn(LiveSoundOptions options) : sound_(std::move(options)) {}

  absl::Status GetAudio(const Context& context, const AudioRequest& request,
                        const std::function<bool(AudioChunk)>& on_chunk, const Json&) override {
    RETURN_IF_ERROR(CheckDuration(request));
    ASSIGN_OR_RETURN(const audio::Codec codec, audio::CodecFromName(request.codec));
    const LiveSound::Span span{request.previous_timestamp_ns, request.duration_seconds,
                               PieceFrames(sound_.format())};
    return sound_.Listen(context, span,
                         [&](const std::vector<float>& samples, int64_t start_ns, int64_t end_ns) {
                           AudioChunk chunk = MakeChunk(codec, sound_.format(), samples);
                           chunk.start_ns = start_ns;
                           chunk.end_ns = end_ns;
                           return on_chunk(std::move(chunk));
                         });
  }

  absl::StatusOr<AudioProperties> GetAudioProperties(const Context&, const Json&) override {
    return AudioProperties{CodecNames(), sound_.format().sample_rate_hz, sound_.format().channels};
  }

 private:
  LiveSound sound_;
};

// A file that each caller hears from its beginning.
class FileAudioIn : public AudioIn {
 public:
  explicit FileAudioIn(audio::SoundSource source) : source_(std::move(source)) {}

  absl::Status GetAudio(const Context& context, const AudioRequest& request,
                        const std::function<bool(AudioChunk)>& on_chunk, const Json&) override {
    RETURN_IF_ERROR(CheckDuration(request));
    ASSIGN_OR_RETURN(const audio::Codec codec, audio::CodecFromName(request.codec));
    const auto begin = std::chrono::duration_cast<std::chrono::nanoseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
    ASSIGN_OR_RETURN(const auto reader, audio::SoundReader::Open(source_));
    const double rate = source_.format.sample_rate_hz;
    const double wanted = request.duration_seconds * rate;
    size_t given = 0;
    for (;;) {
      size_t frames = PieceFrames(source_.format);
      if (wanted > 0) {
        // In floating point: a caller may ask for more seconds than there are samples to count.
        const double left = std::round(wanted) - static_cast<double>(given);
        if (left < static_cast<double>(frames)) frames = left > 0 ? static_cast<size_t>(left) : 0;
      }
      if (frames == 0) return absl::OkStatus();
      ASSIGN_OR_RETURN(const auto samples, reader->Read(context, frames));
      if (samples.empty()) return absl::OkStatus();
      AudioChunk chunk = MakeChunk(codec, source_.format, samples);
      chunk.start_ns = begin + static_cast<int64_t>(static_cast<double>(given) * 1e9 / rate);
      given += samples.size() / static_cast<size_t>(source_.format.channels);
      chunk.end_ns = begin + static_cast<int64_t>(static_cast<double>(given) * 1e9 / rate);
      if (!on_chunk(std::move(chunk))) return absl::OkStatus();
    }
  }

  absl::StatusOr<AudioProperties> GetAudioProperties(const Context&, const Json&) override {
    return AudioProperties{CodecNames(), source_.format.sample_rate_hz, source_.format.channels};
  }

 private:
  const audio::SoundSource source_;
};

struct InAttributes {
  audio::SoundSource source;  // 0 in its format: the file's
  double history_seconds = 10;
};

absl::Status ReadFormat(const Attributes& attributes, const audio::Format& otherwise,
                        InAttributes& read) {
  ASSIGN_OR_RETURN(const int64_t rate,
                   attributes.Int("sample_rate_hz", otherwise.sample_rate_hz,
                                  otherwise.sample_rate_hz == 0 ? 0 : audio::kMinSampleRate,
                                  audio::kMaxSampleRate));
  ASSIGN_OR_RETURN(const int64_t channels,
                   attributes.Int("num_channels", otherwise.channels,
                                  otherwise.channels == 0 ? 0 : 1, audio::kMaxChannels));
  read.source.format = {static_cast<int>(rate), static_cast<int>(channels)};
  ASSIGN_OR_RETURN(read.history_seconds, attributes.Double("history_seconds", 10, 0.5, 600));
  return absl::OkStatus();
}

absl::StatusOr<InAttributes> ReadFile(const Attributes& attributes) {
  InAttributes read;
  ASSIGN_OR_RETURN(read.source.path, attributes.RequiredString("path"));
  ASSIGN_OR_RETURN(read.source.loop, attributes.Bool("loop", true));
  ASSIGN_OR_RETURN(read.source.realtime, attributes.Bool("realtime", true));
  if (read.source.loop && !read.source.realtime)
    return attributes.Error("realtime", "must be true where the file is looped: it never ends");
  RETURN_IF_ERROR(ReadFormat(attributes, {0, 0}, read));
  return read;
}

absl::StatusOr<InAttributes> ReadMicrophone(const Attributes& attributes) {
  InAttributes read;
  ASSIGN_OR_RETURN(read.source.device, attributes.String("device", "default"));
  if (read.source.device.empty() || read.source.device.find('-') == 0)
    return attributes.Error("device", "is no ALSA device: `arecord -L` lists them");
  RETURN_IF_ERROR(ReadFormat(attributes, {16000, 1}, read));
  return read;
}

template <absl::StatusOr<InAttributes> (*Read)(const Attributes&)>
absl::StatusOr<std::vector<std::string>> Validate(const ResourceConfig&,
                                                  const Attributes& attributes) {
  RETURN_IF_ERROR(Read(attributes).status());
  return std::vector<std::string>();
}

absl::StatusOr<std::shared_ptr<Resource>> BuildFile(const BuildRequest& request) {
  ASSIGN_OR_RETURN(InAttributes read, ReadFile(request.attributes));
  ASSIGN_OR_RETURN(const audio::Format own, audio::ProbeFile(request.context, read.source.path));
  if (read.source.format.sample_rate_hz == 0)
    read.source.format.sample_rate_hz = own.sample_rate_hz;
  if (read.source.format.channels == 0) read.source.format.channels = own.channels;
  RETURN_IF_ERROR(audio::CheckFormat(read.source.format));
  if (!read.source.loop) return std::make_shared<FileAudioIn>(std::move(read.source));
  return std::make_shared<LiveAudioIn>(
      LiveSoundOptions{request.config.name.name, std::move(read.source), read.history_seconds});
}

absl::StatusOr<std::shared_ptr<Resource>> BuildMicrophone(const BuildRequest& request) {
  ASSIGN_OR_RETURN(InAttributes read, ReadMicrophone(request.attributes));
  return std::make_shared<LiveAudioIn>(
      LiveSoundOptions{request.config.name.name, std::move(read.source), read.history_seconds});
}

}  // namespace

void AddAudioIns(Catalog& catalog) {
  ModelEntry file;
  file.api = kAudioInApi;
  file.model = {"rdk", "builtin", "sound_file"};
  file.validate = Validate<ReadFile>;
  file.build = BuildFile;
  catalog.Add(std::move(file));
  ModelEntry microphone;
  microphone.api = kAudioInApi;
  microphone.model = {"rdk", "builtin", "microphone"};
  microphone.exclusive = true;  // hardware opens once
  microphone.validate = Validate<ReadMicrophone>;
  microphone.build = BuildMicrophone;
  catalog.Add(std::move(microphone));
}

}  // namespace bowerbird::machine
