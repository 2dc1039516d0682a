// SPDX-License-Identifier: Apache-2.0
//
// Models of audio_out: `speaker` (ALSA) and `sound_file`.
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "audio/sound_writer.h"
#include "base/mutex.h"
#include "base/status.h"
#include "machine/audio.h"
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

using Next = std::function<std::optional<std::string>()>;

// A file is written as a whole; longer sounds are for loudspeakers.
constexpr size_t kMaxFileBytes = size_t{512} << 20;
constexpr int kUsualRate = 48000;

// One sound, as the caller gives it.
struct Sound {
  audio::Codec codec;
  audio::Format format;
};

absl::StatusOr<Sound> ReadInfo(const AudioInfo& info) {
  Sound sound;
  ASSIGN_OR_RETURN(sound.codec, audio::CodecFromName(info.codec));
  sound.format = {info.sample_rate_hz, info.channels};
  RETURN_IF_ERROR(audio::CheckFormat(sound.format));
  return sound;
}

// Waits for its turn; looks whether the caller still waits.
class Turn {
 public:
  absl::Status Take(const Context& context) {
    MutexLock lock(mutex_);
    while (taken_) {
      RETURN_IF_ERROR(context.Check());
      changed_.WaitFor(mutex_, kCancellationPoll);
    }
    taken_ = true;
    return absl::OkStatus();
  }
  void GiveBack() {
    MutexLock lock(mutex_);
    taken_ = false;
    changed_.NotifyOne();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
};

// What loudspeakers and files have in common: one sound at a time, whole or in pieces.
class PcmAudioOut : public AudioOut {
 public:
  absl::Status Play(const Context& context, const AudioInfo& info, const std::string& bytes,
                    const Json& extra) override {
    bool given = false;
    return PlayStream(
        context, info,
        [&]() -> std::optional<std::string> {
          if (std::exchange(given, true)) return std::nullopt;
          return bytes;
        },
        extra);
  }

  absl::Status PlayStream(const Context& context, const AudioInfo& info, const Next& next,
                          const Json&) override {
    ASSIGN_OR_RETURN(const Sound sound, ReadInfo(info));
    RETURN_IF_ERROR(turn_.Take(context));
    absl::Status status = PlaySound(context, sound, next);
    turn_.GiveBack();
    return status;
  }

  absl::StatusOr<AudioProperties> GetAudioProperties(const Context&, const Json&) override {
    AudioProperties properties{{}, kUsualRate, 1};
    for (const auto codec : {audio::Codec::kPcm16, audio::Codec::kPcm32, audio::Codec::kPcm32Float})
      properties.codecs.emplace_back(audio::NameOf(codec));
    return properties;
  }

 private:
  virtual absl::Status PlaySound(const Context& context, const Sound& sound, const Next& next) = 0;

  Turn turn_;
};

class Speaker : public PcmAudioOut {
 public:
  explicit Speaker(std::string device) : device_(std::move(device)) {}

 private:
  absl::Status PlaySound(const Context& context, const Sound& sound, const Next& next) override {
    ASSIGN_OR_RETURN(const auto writer, audio::SoundWriter::Open({device_, sound.format}));
    while (const auto piece = next()) {
      ASSIGN_OR_RETURN(const auto samples, audio::Decode(sound.codec, *piece));
      RETURN_IF_ERROR(writer->Write(context, samples));
    }
    RETURN_IF_ERROR(context.Check());
    return writer->Finish(context);
  }

  const std::string device_;
};

// The last sound that was played, as a WAV file that is there whole or not at all.
class FileAudioOut : public PcmAudioOut {
 public:
  explicit FileAudioOut(std::string path) : path_(std::move(path)) {}

 private:
  absl::Status PlaySound(const Context& context, const Sound& sound, const Next& next) override {
    std::string pcm;
    while (const auto piece = next()) {
      pcm += *piece;
      if (pcm.size() > kMaxFileBytes)
        return ResourceExhausted("a sound of more than 512 MiB is not written into a file");
    }
    RETURN_IF_ERROR(context.Check());
    RETURN_IF_ERROR(audio::Decode(sound.codec, pcm).status());
    ASSIGN_OR_RETURN(const std::string file, audio::WavFile(sound.codec, sound.format, pcm));
    const std::string temporary = path_ + ".part";
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(file.data(), static_cast<std::streamsize>(file.size()));
    out.close();
    if (!out)
      return Unavailable("cannot write " + temporary + ": is its folder there and writable?");
    std::error_code error;
    std::filesystem::rename(temporary, path_, error);
    return error ? ErrnoStatus(error.value(), "rename " + temporary + " to " + path_)
                 : absl::OkStatus();
  }

  const std::string path_;
};

absl::StatusOr<std::string> ReadDevice(const Attributes& attributes) {
  ASSIGN_OR_RETURN(std::string device, attributes.String("device", "default"));
  if (device.empty() || device.find('-') == 0)
    return attributes.Error("device", "is no ALSA device: `aplay -L` lists them");
  return device;
}

absl::StatusOr<std::string> ReadPath(const Attributes& attributes) {
  return attributes.RequiredString("path");
}

template <typename Out, absl::StatusOr<std::string> (*Read)(const Attributes&)>
void Add(Catalog& catalog, const char* model) {
  ModelEntry entry;
  entry.api = kAudioOutApi;
  entry.model = {"rdk", "builtin", model};
  entry.validate = [](const ResourceConfig&,
                      const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(Read(attributes).status());
    return std::vector<std::string>();
  };
  entry.build = [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    ASSIGN_OR_RETURN(std::string read, Read(request.attributes));
    return std::make_shared<Out>(std::move(read));
  };
  catalog.Add(std::move(entry));
}

}  // namespace

void AddAudioOuts(Catalog& catalog) {
  Add<Speaker, ReadDevice>(catalog, "speaker");
  Add<FileAudioOut, ReadPath>(catalog, "sound_file");
}

}  // namespace bowerbird::machine
