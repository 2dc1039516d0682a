// SPDX-License-Identifier: Apache-2.0
#include "app/inspect_command.h"

#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/inspect_compare.h"
#include "app/inspect_fix.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

int Inspect(const InspectOptions& options, bool json) {
  int exit_status = 0;
  const absl::StatusOr<ordered_json> report = InspectModel(options);
  if (!report.ok()) {
    Fail(&exit_status, "inspect: " + MessageOf(report.status()));
    return exit_status;
  }
  // Model files may hold any bytes as names.
  const std::string text =
      json ? report->dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"
           : InspectText(*report);
  std::fputs(text.c_str(), stdout);
  return (*report)["runtime"]["runs"].get<bool>() ? 0 : 1;
}

int Fix(const FixOptions& options, bool json) {
  int exit_status = 0;
  const absl::StatusOr<ordered_json> report = FixModel(options);
  if (!report.ok()) {
    Fail(&exit_status, "inspect: " + MessageOf(report.status()));
    return exit_status;
  }
  if (json) {
    std::printf("%s\n",
                report->dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
    return 0;
  }
  for (const ordered_json& change : (*report)["changes"]) {
    std::printf("%s\n", change.get<std::string>().c_str());
  }
  const char* checked = !(*report)["original_runs"].get<bool>()
                            ? "it runs, which the original does not"
                        : (*report)["outputs_equal"].get<bool>()
                            ? "its answers are those of the original, bit by bit"
                            : "its answers are those of the original but for rounding";
  std::printf("wrote %s: %s\n", options.output.c_str(), checked);
  return 0;
}

void AddFixOptions(CLI::App& command, FixOptions& fix, std::string& input_order) {
  CLI::Option* output =
      command.add_option("--fix", fix.output, "Write the repaired model to this file");
  command.add_flag("--force", fix.overwrite, "Replace that file if it exists")->needs(output);
  command.add_option("--mean", fix.mean, "Of channels 0..255, one number or M,M,M")
      ->delimiter(',')
      ->needs(output);
  command.add_option("--std", fix.std, "Likewise: pixels become (v - mean) / std")
      ->delimiter(',')
      ->needs(output);
  command.add_option("--box-order", fix.box_order, "What stands where, as ymin,xmin,ymax,xmax")
      ->needs(output);
  command
      .add_option("--input-order", input_order,
                  "bgr: the model wants blue first and is made to take red first")
      ->check(CLI::IsMember({"rgb", "bgr"}))
      ->needs(output);
}

}  // namespace

CLI::App* RegisterInspect(CLI::App& app, int* exit_status) {
  RegisterCompareModels(app, exit_status);
  CLI::App* command =
      app.add_subcommand("inspect", "What a model file is, and what is wrong with it");
  const auto options = std::make_shared<InspectOptions>();
  const auto fix = std::make_shared<FixOptions>();
  const auto input_order = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  const auto no_measure = std::make_shared<bool>(false);
  command->add_option("model", options->model, "A .tflite file")->required();
  command->add_option("--labels", options->labels, "A label file to judge it with, and to pack");
  command->add_flag("--no-measure", *no_measure, "Look at the file only, do not run the model");
  command->add_flag("--json", *json, "One JSON object instead of text");
  AddFixOptions(*command, *fix, *input_order);
  command->footer(
      "The model is loaded and run in a process of its own. Exit status 1 if it cannot run.\n\n"
      "Example:\n"
      "  bowerbird inspect ssd.tflite --labels labels.txt\n"
      "  bowerbird inspect ssd.tflite --labels labels.txt --fix ssd-fixed.tflite");
  command->callback([options, fix, input_order, json, no_measure, exit_status] {
    if (!fix->output.empty()) {
      fix->model = options->model;
      fix->labels = options->labels;
      fix->swap_channels = *input_order == "bgr";
      *exit_status = Fix(*fix, *json);
      return;
    }
    options->measure = !*no_measure;
    *exit_status = Inspect(*options, *json);
  });
  return command;
}

}  // namespace bowerbird::app
