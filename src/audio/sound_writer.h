// SPDX-License-Identifier: Apache-2.0
//
// Sound into a loudspeaker: an ffmpeg child writes to ALSA.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audio/format.h"
#include "base/context.h"
#include "base/subprocess.h"

namespace bowerbird::audio {

struct SoundSink {
  std::string device = "default";  // of ALSA
  Format format;
  std::string ffmpeg = "ffmpeg";
};

std::vector<std::string> PlayCommand(const SoundSink& sink);

// One thread. Going out of scope ends what plays.
class SoundWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SoundWriter>> Open(SoundSink sink);
  ~SoundWriter();

  // Waits while the device has enough. Errors: the context's; UNAVAILABLE with what ffmpeg said.
  absl::Status Write(const Context& context, std::span<const float> samples);
  // Waits until all of it was played.
  absl::Status Finish(const Context& context);

 private:
  SoundWriter(SoundSink sink, std::unique_ptr<Subprocess> child);
  absl::Status Broken();

  const SoundSink sink_;
  const std::unique_ptr<Subprocess> child_;
};

}  // namespace bowerbird::audio
