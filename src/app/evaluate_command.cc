// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/evaluate_report.h"
#include "app/finder_flags.h"
#include "base/status.h"
#include "evaluate/coco_files.h"
#include "evaluate/html_comparison.h"
#include "evaluate/html_report.h"
#include "evaluate/report.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

struct EvaluateFlags {
  FinderFlags finder;
  LabelledFolder folder;
  evaluate::CocoFiles coco;
  std::string html;     // a file to write
  std::string compare;  // another model; "": none
  bool json = false;
};

void Warn(const std::string& message) {
  std::fprintf(stderr, "bowerbird: evaluate: %s\n", message.c_str());
}

// What is printed, and the page where one is wanted.
struct Result {
  ordered_json report;
  std::string page;
};

Result ResultOf(const EvaluateFlags& flags, Evaluated evaluated) {
  Result result{.report = std::move(evaluated.report), .page = {}};
  if (!flags.html.empty()) result.page = HtmlReport(result.report, evaluated.details);
  return result;
}

absl::StatusOr<Result> EvaluateFiles(const EvaluateFlags& flags) {
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(const evaluate::CocoSet coco, ReadCocoFiles(*files, flags.coco));
  if (coco.unknown_category > 0) {
    Warn(std::to_string(coco.unknown_category) +
         " detections are of categories that the ground truth does not list: they do not count");
  }
  return ResultOf(flags, {evaluate::DetectionReport(coco.set),
                          {.title = flags.coco.detections, .curves = evaluate::CurvesOf(coco.set)},
                          {}});
}

void WarnOf(const ModelAnswers& answers) {
  for (const annotation::Problem& problem : answers.problems) Warn(TextOf(problem));
  for (const std::string& label : answers.unknown) {
    Warn("the model never says '" + label + "', which the folder has");
  }
}

absl::StatusOr<Result> EvaluateFolder(const EvaluateFlags& flags) {
  ASSIGN_OR_RETURN(Evaluated evaluated, EvaluateModel(flags.finder, flags.folder));
  WarnOf(evaluated.answers);
  if (flags.compare.empty()) return ResultOf(flags, std::move(evaluated));
  FinderFlags other_flags = flags.finder;
  other_flags.model = flags.compare;
  auto other = EvaluateModel(other_flags, flags.folder);
  if (!other.ok()) return Annotate(other.status(), "--compare");
  Result result;
  ASSIGN_OR_RETURN(result.report, Compare(evaluated, *other));
  if (!flags.html.empty())
    result.page = HtmlComparison(result.report, evaluated.details, other->details);
  return result;
}

// Labels of a model may be of any bytes.
std::string TextOf(const EvaluateFlags& flags, const ordered_json& report) {
  if (flags.json) return report.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return flags.compare.empty() ? evaluate::TextOfReport(report) : TextOfComparison(report);
}

int Evaluate(const EvaluateFlags& flags) {
  const bool files = !flags.coco.ground_truth.empty();
  if (files == !flags.finder.model.empty() || files != !flags.coco.detections.empty() ||
      files != flags.folder.directory.empty()) {
    std::fputs("bowerbird: evaluate: give --model and --data, or --ground-truth and --detections\n",
               stderr);
    return 2;
  }
  if (!flags.compare.empty() && files) {
    std::fputs("bowerbird: evaluate: --compare goes with --model and --data\n", stderr);
    return 2;
  }
  const absl::StatusOr<Result> evaluated = files ? EvaluateFiles(flags) : EvaluateFolder(flags);
  absl::Status status = evaluated.status();
  if (status.ok() && !flags.html.empty())
    status = WriteFileDurably(*MakeFileSystem(), flags.html, evaluated->page, 0666);
  if (!status.ok()) {
    int exit_status = 1;
    Fail(&exit_status, "evaluate: " + MessageOf(status));
    return exit_status;
  }
  std::fputs(TextOf(flags, evaluated->report).c_str(), stdout);
  return 0;
}

}  // namespace

CLI::App* RegisterEvaluate(CLI::App& app, int* exit_status) {
  CLI::App* command =
      app.add_subcommand("evaluate", "How good a model, or a file of detections, is");
  // Shared with the callback, which runs after this function is gone.
  const auto flags = std::make_shared<EvaluateFlags>();
  AddModelFlags(*command, flags->finder);
  AddBoxFlags(*command, flags->finder);
  command->add_option(
      "--data", flags->folder.directory,
      "A labelled folder: a folder per class, VOC, COCO, ... (docs/data-formats.md)");
  command->add_option("--format", flags->folder.format, "Its format")->capture_default_str();
  command->add_option("--pictures", flags->folder.pictures,
                      "The folder of the pictures, where it is another");
  command
      ->add_option("--split", flags->folder.split, "Only these pictures, where the folder says so")
      ->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--ground-truth", flags->coco.ground_truth, "A JSON file of COCO's format");
  command->add_option("--detections", flags->coco.detections,
                      "A JSON file of results: image_id, category_id, bbox, score");
  command->add_option("--compare", flags->compare,
                      "Another .tflite file: every figure of both, and where they agree");
  command->add_option("--html", flags->html,
                      "A page to write, with curves; with --compare of both models");
  command->add_flag("--json", flags->json, "JSON on one line");
  command->footer(
      "Detectors: AP and AR as COCO defines them, and of Pascal VOC at an overlap of 0.5.\n"
      "Classifiers: accuracy, F1, calibration error (ece); several labels a picture: mAP.\n"
      "Both: time of a call and of its Invoke, memory, the pictures that are most wrong.\n\n"
      "Examples:\n"
      "  bowerbird evaluate --model flowers.tflite --data flowers/\n"
      "  bowerbird evaluate --model float.tflite --compare int8.tflite --data flowers/\n"
      "  bowerbird evaluate --ground-truth instances.json --detections results.json --json");
  command->callback([flags, exit_status] { *exit_status = Evaluate(*flags); });
  return command;
}

}  // namespace bowerbird::app
