// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/evaluate_model.h"
#include "app/finder_flags.h"
#include "app/progress.h"
#include "base/status.h"
#include "evaluate/coco_files.h"
#include "evaluate/html_report.h"
#include "evaluate/report.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

struct EvaluateFlags {
  FinderFlags finder;
  LabelledFolder folder;
  evaluate::CocoFiles coco;
  std::string html;  // a file to write
  bool json = false;
};

// What is found out about a model: the report, and what a page shows beside it.
struct Evaluated {
  ordered_json report;
  evaluate::HtmlDetails details;
};

void Warn(const std::string& message) {
  std::fprintf(stderr, "bowerbird: evaluate: %s\n", message.c_str());
}

absl::StatusOr<Evaluated> EvaluateFiles(const EvaluateFlags& flags) {
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(const evaluate::CocoSet coco, ReadCocoFiles(*files, flags.coco));
  if (coco.unknown_category > 0) {
    Warn(std::to_string(coco.unknown_category) +
         " detections are of categories that the ground truth does not list: they do not count");
  }
  return Evaluated{evaluate::DetectionReport(coco.set),
                   {.title = flags.coco.detections, .curves = evaluate::CurvesOf(coco.set)}};
}

absl::StatusOr<Evaluated> EvaluateModel(const EvaluateFlags& flags) {
  ASSIGN_OR_RETURN(const LoadedFinder loaded, LoadFinder(flags.finder));
  CatchInterrupts();
  ASSIGN_OR_RETURN(const ModelAnswers answers, AskModel(*loaded.finder, flags.folder));
  for (const annotation::Problem& problem : answers.problems) Warn(TextOf(problem));
  for (const std::string& label : answers.unknown) {
    Warn("the model never says '" + label + "', which the folder has");
  }
  Evaluated evaluated;
  evaluated.details.title = flags.finder.model;
  if (answers.detections.has_value()) {
    evaluated.report = evaluate::DetectionReport(*answers.detections);
    evaluated.details.curves = evaluate::CurvesOf(*answers.detections);
    return evaluated;
  }
  evaluated.details.curves = evaluate::CurvesOf(answers.scored, answers.truth);
  if (!answers.single) {
    evaluated.report = evaluate::MultiLabelReport(answers.scored, answers.truth);
    return evaluated;
  }
  std::vector<uint32_t> truth;
  for (const std::vector<uint32_t>& labels : answers.truth) truth.push_back(labels.front());
  evaluated.report = evaluate::ClassifierReport(answers.scored, truth);
  return evaluated;
}

int Evaluate(const EvaluateFlags& flags) {
  const bool files = !flags.coco.ground_truth.empty();
  if (files == !flags.finder.model.empty() || files != !flags.coco.detections.empty() ||
      files != flags.folder.directory.empty()) {
    std::fputs("bowerbird: evaluate: give --model and --data, or --ground-truth and --detections\n",
               stderr);
    return 2;
  }
  const auto evaluated = files ? EvaluateFiles(flags) : EvaluateModel(flags);
  absl::Status status = evaluated.status();
  if (status.ok() && !flags.html.empty())
    status = WriteFileDurably(*MakeFileSystem(), flags.html,
                              HtmlReport(evaluated->report, evaluated->details), 0666);
  if (!status.ok()) {
    int exit_status = 1;
    Fail(&exit_status, "evaluate: " + MessageOf(status));
    return exit_status;
  }
  // Labels of a model may be of any bytes.
  const std::string text =
      flags.json
          ? evaluated->report.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"
          : evaluate::TextOfReport(evaluated->report);
  std::fputs(text.c_str(), stdout);
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
  command->add_option("--html", flags->html, "A page to write, with curves");
  command->add_flag("--json", flags->json, "JSON on one line");
  command->footer(
      "Detectors: AP and AR as COCO defines them, and of Pascal VOC at an overlap of 0.5.\n"
      "Classifiers: accuracy, F1, calibration error (ece); several labels a picture: mAP.\n\n"
      "Examples:\n"
      "  bowerbird evaluate --model flowers.tflite --data flowers/\n"
      "  bowerbird evaluate --ground-truth instances.json --detections results.json --json");
  command->callback([flags, exit_status] { *exit_status = Evaluate(*flags); });
  return command;
}

}  // namespace bowerbird::app
