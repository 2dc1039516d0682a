// SPDX-License-Identifier: Apache-2.0
#include "train/job.h"

#include <unistd.h>

#include <cmath>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"
#include "infer/model_cost.h"
#include "train/classifier_job.h"
#include "train/detection_job.h"
#include "train/neighbours.h"

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kMaxBaseBytes = uint64_t{1} << 30;
// Enough for a median; part of the job's own time.
constexpr double kCostSeconds = 0.15;
// Of the same kind, which are told; the report has all.
constexpr size_t kMostTold = 5;

// A picture may turn out to be none only when it is read, so this is for the end.
void TellLeftOut(const TrainJob& job, const ordered_json& problems) {
  if (problems.empty()) return;
  const auto first = problems[0].get<std::string>();
  job.Tell({{"warning", problems.size() == 1 ? "left out: " + first
                                             : std::to_string(problems.size()) +
                                                   " left out (the report names each): " + first}});
}

}  // namespace

absl::StatusOr<TrainedModel> Train(FileSystem& files, const TrainJob& job) {
  if (job.base_path.empty()) {
    job.Tell({{"warning",
               "there is no base model: everything is learnt from these pictures, which a base "
               "would do better with fewer of them (bowerbird train base add FILE.tflite)"}});
  }
  auto trained =
      job.data.task == Task::kDetection ? TrainDetection(files, job) : TrainClassifier(files, job);
  if (trained.ok()) {
    TellLeftOut(job, trained->report["problems"]);
    const KnownFeatures known = std::exchange(trained->known_features, {});
    AddFeatures(files, job, known, *trained);
  }
  return trained;
}

absl::StatusOr<TrainingSet> ReadPictures(FileSystem& files, const TrainJob& job) {
  ASSIGN_OR_RETURN(TrainingSet set, ReadTrainingSet(files, job.data));
  const size_t count = set.warnings.size();
  const size_t told = count <= kMostTold + 1 ? count : kMostTold;
  for (size_t i = 0; i < told; ++i) job.Tell({{"warning", set.warnings[i]}});
  if (told < count)
    job.Tell({{"warning", std::to_string(count - told) + " more of the kind, in the report"}});
  return set;
}

absl::StatusOr<ordered_json> DescribeBase(FileSystem& files, const TrainJob& job) {
  if (job.base_path.empty()) return ordered_json{{"path", nullptr}};
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(files, job.base_path, kMaxBaseBytes));
  return ordered_json{{"sha256", Sha256Hex(std::string_view(bytes))}};
}

void DescribeData(const TrainJob& job, const TrainingSet& set, ordered_json& report) {
  report["seed"] = job.data.seed;
  report["warnings"] = set.warnings;
  report["problems"] = ordered_json::array();
  for (const annotation::Problem& problem : set.problems)
    report["problems"].push_back(TextOf(problem));
}

void DescribeModel(const ordered_json& row, TrainedModel& trained) {
  ordered_json& model = trained.report["model"];
  model = {{"sha256", Sha256Hex(std::string_view(trained.model))}, {"bytes", trained.model.size()}};
  for (const char* key : {"invoke_ms", "memory_mb"}) {
    if (row.contains(key)) model[key] = row[key];
  }
}

ordered_json CostOfCandidate(const std::string& model_path) {
  const auto cost = infer::MeasureCost({.model_path = model_path}, kCostSeconds);
  if (!cost.ok()) return ordered_json::object();
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  return {{"invoke_ms", rounded(cost->p50_ms)}, {"memory_mb", rounded(cost->memory_mb)}};
}

absl::Status WriteTrained(FileSystem& files, const std::string& out, const TrainedModel& trained) {
  // Another run may write to the same place at the same time: the first one to end has it.
  const std::string part = out + ".new-" + std::to_string(getpid());
  RETURN_IF_ERROR(files.MakeDirectories(part, 0777));
  std::string lines;
  for (const std::string& label : trained.labels) lines += label + "\n";
  std::vector<std::pair<const char*, std::string>> contents{{
      {"model.tflite", trained.model},
      {"labels.txt", lines},
      // Labels and paths may be of any bytes.
      {"report.json",
       trained.report.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"},
      {"report.html", trained.page},
  }};
  if (!trained.features.empty()) contents.emplace_back(kFeatureFile, trained.features);
  absl::Status status;
  for (const auto& [name, bytes] : contents) {
    if (status.ok()) status = WriteFileDurably(files, part + "/" + name, bytes, 0666);
  }
  if (status.ok()) status = files.Rename(part, out);
  if (status.ok()) return files.SyncDirectory(ParentDirectory(out));
  // The first error counts; what cannot be removed now stays.
  for (const auto& [name, bytes] : contents) {
    static_cast<void>(files.Remove(part + "/" + name).ok());
    static_cast<void>(files.Remove(part + "/" + name + ".new").ok());
  }
  static_cast<void>(files.RemoveDirectory(part).ok());
  return Annotate(status, "writing " + out);
}

}  // namespace bowerbird::train
