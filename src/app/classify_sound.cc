// SPDX-License-Identifier: Apache-2.0
#include "app/classify_sound.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "app/commands.h"
#include "app/find_run.h"
#include "audio/sound_classifier.h"
#include "audio/sound_reader.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

using audio::SoundClassifier;
using audio::Windows;

constexpr size_t kPieceFrames = 16384;

double Milliseconds(double value) { return std::round(value * 1000) / 1000; }

class SoundRun {
 public:
  SoundRun(const FinderFlags& flags, const SoundClassifier& classifier)
      : flags_(flags), classifier_(classifier) {}

  // A long file is read piece by piece: memory does not depend on its length.
  absl::Status File(const std::string& path) const {
    audio::SoundSource source;
    source.path = path;
    ASSIGN_OR_RETURN(source.format, audio::ProbeFile({}, path));
    const int channels = source.format.channels;
    ASSIGN_OR_RETURN(Windows windows, Windows::Create(classifier_, source.format.sample_rate_hz,
                                                      flags_.hop_seconds));
    ASSIGN_OR_RETURN(const auto reader, audio::SoundReader::Open(std::move(source)));
    for (;;) {
      ASSIGN_OR_RETURN(const auto samples, reader->Read({}, kPieceFrames));
      if (samples.empty()) break;
      ASSIGN_OR_RETURN(const auto ready, windows.Push(audio::ToMono(samples, channels)));
      RETURN_IF_ERROR(Print(path, ready));
    }
    ASSIGN_OR_RETURN(const auto last, windows.Finish());
    return Print(path, last);
  }

 private:
  absl::Status Print(const std::string& path, const std::vector<Windows::Window>& windows) const {
    for (const Windows::Window& window : windows) {
      PhaseTimes phases;
      Context context;
      context.phases = &phases;
      ASSIGN_OR_RETURN(auto found, classifier_.Classify(context, window.samples));
      vision::KeepTop(found, flags_.top > 0 ? flags_.top : static_cast<int>(found.size()));
      const nlohmann::ordered_json line = {
          {"file", path},
          {"start_seconds", Rounded(window.start_seconds)},
          {"end_seconds", Rounded(window.end_seconds)},
          {"classifications", ClassificationsJson(found)},
          {"milliseconds", {{"invoke", Milliseconds(phases.Milliseconds(Phase::kInvoke))}}}};
      // File names and label files need not be UTF-8; JSON must be.
      std::puts(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
    return absl::OkStatus();
  }

  const FinderFlags& flags_;
  const SoundClassifier& classifier_;
};

}  // namespace

int ClassifySound(const FinderFlags& flags, const infer::Model& model) {
  int exit_status = 0;
  audio::SoundClassifierOptions options;
  options.label_path = flags.labels;
  options.min_confidence = flags.min_confidence;
  const auto classifier = SoundClassifier::Create({}, model, options);
  if (!classifier.ok()) {
    Fail(&exit_status, "classify: " + flags.model + ": " + MessageOf(classifier.status()));
    return exit_status;
  }
  if (!flags.draw.empty()) {
    Fail(&exit_status, "classify: " + flags.model + " listens: there is nothing to --draw");
    return exit_status;
  }
  const SoundRun run(flags, **classifier);
  for (const std::string& file : flags.files) {
    const absl::Status status = run.File(file);
    std::fflush(stdout);
    if (!status.ok()) Fail(&exit_status, "classify: " + MessageOf(status));
  }
  if (std::ferror(stdout) != 0) exit_status = 1;
  return exit_status;
}

}  // namespace bowerbird::app
