// SPDX-License-Identifier: Apache-2.0
#include <limits>
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

using vision::Classification;

nlohmann::ordered_json ToJson(const std::vector<Classification>& classifications) {
  auto list = nlohmann::ordered_json::array();
  for (const Classification& classification : classifications) {
    list.push_back({{"label", classification.label},
                    {"class_id", classification.class_id},
                    {"confidence", Rounded(classification.confidence)}});
  }
  return list;
}

int Classify(const FinderFlags& flags) {
  const auto loaded = LoadFinder(flags);
  absl::Status status = loaded.status();
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
    return ToJson(classifications);
  };
  run.mark = [&](image::Image& image) { vision::DrawClassifications(image, classifications); };
  return RunFind(run);
}

}  // namespace

CLI::App* RegisterClassify(CLI::App& app, int* exit_status) {
  CLI::App* command = app.add_subcommand("classify", "Name what pictures and videos show");
  // Shared with the callback, which runs after this function is gone.
  const auto flags = std::make_shared<FinderFlags>();
  flags->top = 5;
  AddFinderFlags(*command, *flags);
  command->footer(
      "One line of JSON for each picture or frame, the most certain class first.\n\n"
      "Example:\n"
      "  bowerbird classify --model mobilenet.tflite --labels imagenet.txt --top 3 cat.jpg");
  command->callback([flags, exit_status] { *exit_status = Classify(*flags); });
  return command;
}

}  // namespace bowerbird::app
