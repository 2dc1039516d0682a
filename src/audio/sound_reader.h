// SPDX-License-Identifier: Apache-2.0
//
// Sound out of anything that ffmpeg can read: files of every format, microphones. An ffmpeg child
// decodes; damaged or hostile files are its problem, and it can only reach what it is given.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audio/format.h"
#include "base/context.h"
#include "base/subprocess.h"

namespace bowerbird::audio {

struct SoundSource {
  std::string path;       // of a file; or
  std::string device;     // of ALSA, to record from: "default", "hw:1,0"
  bool loop = false;      // a file starts again at its end, without a gap
  bool realtime = false;  // a file is given at its own pace
  Format format;          // what the sound is turned into; of a device: what it is opened with
  std::string ffmpeg = "ffmpeg";  // a path, or a name looked up in PATH

  // For messages.
  std::string Description() const {
    return device.empty() ? "sound file " + path : "microphone " + device;
  }
};

// The argv, ffmpeg first.
std::vector<std::string> RecordCommand(const SoundSource& source);

// Rate and channels of a file's first stream of sound, by ffprobe. NOT_FOUND: no such file, or
// ffprobe is not installed. INVALID_ARGUMENT: there is no sound in it.
absl::StatusOr<Format> ProbeFile(const Context& context, const std::string& path);

// "", or what to say where no sound card is, so that nobody looks for the fault elsewhere.
std::string SoundCardHint();

// One thread reads; Stop may be called from any other.
class SoundReader {
 public:
  // Does not wait for the first sample.
  static absl::StatusOr<std::unique_ptr<SoundReader>> Open(SoundSource source);
  ~SoundReader();

  // At least one whole frame, at most `frames`, as soon as there are any; none at the end. Errors:
  // the context's; CANCELLED after Stop; what ffmpeg said when it failed (INVALID_ARGUMENT for a
  // file, UNAVAILABLE for a device).
  absl::StatusOr<std::vector<float>> Read(const Context& context, size_t frames);

  void Stop() { child_->Interrupt(); }

 private:
  SoundReader(SoundSource source, std::unique_ptr<Subprocess> child);
  absl::Status Ended();

  const SoundSource source_;
  const std::unique_ptr<Subprocess> child_;
  std::string rest_;  // less than a frame
  bool any_ = false;
};

// All of a file. RESOURCE_EXHAUSTED: it is longer than `max_seconds`.
absl::StatusOr<std::vector<float>> ReadSound(const Context& context, const SoundSource& source,
                                             double max_seconds);

}  // namespace bowerbird::audio
