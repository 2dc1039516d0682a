// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/find_run.h"
#include "app/finder_flags.h"
#include "base/status.h"
#include "vision/overlay.h"

namespace bowerbird::app {
namespace {

using vision::Detection;

nlohmann::ordered_json ToJson(const std::vector<Detection>& detections) {
  auto list = nlohmann::ordered_json::array();
  for (const Detection& detection : detections) {
    list.push_back({{"label", detection.label},
                    {"class_id", detection.class_id},
                    {"confidence", Rounded(detection.confidence)},
                    {"x_min", detection.x_min},
                    {"y_min", detection.y_min},
                    {"x_max", detection.x_max},
                    {"y_max", detection.y_max}});
  }
  return list;
}

// The n most certain, in the order of their confidence; n = 0 leaves everything in model order.
void KeepTop(std::vector<Detection>& detections, int n) {
  if (n <= 0) return;
  std::stable_sort(
      detections.begin(), detections.end(),
      [](const Detection& a, const Detection& b) { return a.confidence > b.confidence; });
  if (detections.size() > static_cast<size_t>(n)) detections.resize(static_cast<size_t>(n));
}

int Detect(const FinderFlags& flags) {
  const auto loaded = LoadFinder(flags);
  absl::Status status = loaded.status();
  if (status.ok() && !loaded->finder->detects()) {
    status = FailedPrecondition(flags.model + " gives no boxes: use `bowerbird classify`");
  }
  if (!status.ok()) {
    int exit_status = 1;
    Fail(&exit_status, "detect: " + MessageOf(status));
    return exit_status;
  }
  std::vector<Detection> detections;
  FindRun run{"detect", flags.files, flags.every, flags.draw, "detections", {}, {}};
  run.find = [&](const Context& context,
                 const image::Picture& picture) -> absl::StatusOr<nlohmann::ordered_json> {
    ASSIGN_OR_RETURN(detections, loaded->finder->Detect(context, picture));
    KeepTop(detections, flags.top);
    return ToJson(detections);
  };
  run.mark = [&](image::Image& image) { vision::DrawDetections(image, detections); };
  return RunFind(run);
}

}  // namespace

CLI::App* RegisterDetect(CLI::App& app, int* exit_status) {
  CLI::App* command = app.add_subcommand("detect", "Find objects in pictures and videos");
  // Shared with the callback, which runs after this function is gone.
  const auto flags = std::make_shared<FinderFlags>();
  flags->min_confidence = 0.3;
  AddFinderFlags(*command, *flags);
  AddBoxFlags(*command, *flags);
  command->footer(
      "One line of JSON for each picture or frame; boxes in pixels of the upright picture.\n\n"
      "Example:\n"
      "  bowerbird detect --model ssd.tflite --min-confidence 0.5 --draw out street.jpg ride.mp4");
  command->callback([flags, exit_status] { *exit_status = Detect(*flags); });
  return command;
}

}  // namespace bowerbird::app
