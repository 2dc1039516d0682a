// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/classify_sound.h"
#include "app/commands.h"
#include "app/find_run.h"
#include "app/finder_flags.h"
#include "audio/sound_classifier.h"
#include "base/status.h"
#include "vision/overlay.h"

namespace bowerbird::app {
namespace {

using vision::Classification;

// For a model that takes no picture: what would do instead of one.
absl::Status WithSoundHint(const absl::Status& status, const infer::ModelMetadata& metadata) {
  if (status.ok() || metadata.inputs.size() != 1 || metadata.inputs[0].shape.size() > 3)
    return status;
  return absl::Status(
      status.code(),
      ToAbsl(MessageOf(status) + "; a model of sound must take a waveform, at least " +
             std::to_string(audio::kMinWindow) + " samples of float32 or int16"));
}

int Classify(const FinderFlags& flags) {
  auto loaded = LoadModel(flags);
  absl::Status status = loaded.status();
  if (status.ok() && audio::SoundClassifier::Takes(loaded->model->metadata()))
    return ClassifySound(flags, *loaded->model);
  if (status.ok()) status = WithSoundHint(AddFinder(flags, *loaded), loaded->model->metadata());
  if (status.ok() && !loaded->finder->classifies()) {
    status = FailedPrecondition(flags.model + " gives no class scores: use `bowerbird detect`");
  }
  if (!status.ok()) {
    int exit_status = 1;
    Fail(&exit_status, "classify: " + MessageOf(status));
    return exit_status;
  }
  const int top = flags.top > 0 ? flags.top : std::numeric_limits<int>::max();
  std::vector<Classification> classifications;
  FindRun run{"classify", flags.files, flags.every, flags.draw, "classifications", {}, {}};
  run.find = [&](const Context& context,
                 const image::Picture& picture) -> absl::StatusOr<nlohmann::ordered_json> {
    ASSIGN_OR_RETURN(classifications, loaded->finder->Classify(context, picture));
    vision::KeepTop(classifications, top);
    return ClassificationsJson(classifications);
  };
  run.mark = [&](image::Image& image) { vision::DrawClassifications(image, classifications); };
  return RunFind(run);
}

}  // namespace

CLI::App* RegisterClassify(CLI::App& app, int* exit_status) {
  CLI::App* command =
      app.add_subcommand("classify", "Name what pictures and videos show, or what is heard");
  // Shared with the callback, which runs after this function is gone.
  const auto flags = std::make_shared<FinderFlags>();
  flags->top = 5;
  AddFinderFlags(*command, *flags);
  command->footer(
      "One line of JSON for each picture or frame, the most certain class first.\n\n"
      "Example:\n"
      "  bowerbird classify --model mobilenet.tflite --labels imagenet.txt --top 3 cat.jpg\n\n"
      "With a model that takes a waveform, such as YAMNet, files are sound of any format, and "
      "there\n"
      "is a line for each window of it:\n"
      "  bowerbird classify --model yamnet.tflite --top 1 street.wav");
  command
      ->add_option("--hop", flags->hop_seconds,
                   "Of sound: seconds from one window to the next; 0: they follow each other")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command->callback([flags, exit_status] { *exit_status = Classify(*flags); });
  return command;
}

}  // namespace bowerbird::app
