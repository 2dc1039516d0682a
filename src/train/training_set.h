// SPDX-License-Identifier: Apache-2.0
//
// What a classifier is trained on: pictures of a folder, their labels as numbers, and which side of
// the split each is on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/problem.h"
#include "base/file_system.h"
#include "train/augment.h"

namespace bowerbird::train {

// What pictures without a label become where asked for.
inline constexpr char kUnknownLabel[] = "UNKNOWN";
// A larger share of pictures without a label is refused: they mostly are pictures that nobody has
// looked at yet.
inline constexpr double kMaxUnlabelled = 0.2;
inline constexpr size_t kMinPictures = 10;

// What is learnt of a picture: its only label, each of any number of labels, or boxes with labels.
enum class Task { kSingleLabel, kMultiLabel, kDetection };

// "single", "multi", "detection".
std::string_view TaskName(Task task);

struct TrainingSetOptions {
  std::string directory;
  std::string format = "auto";  // a name of annotation::Formats(), or "auto"
  std::string pictures{};       // see annotation::ReaderOptions
  Task task = Task::kSingleLabel;
  bool unknown = false;  // pictures without a label are of the label kUnknownLabel; no boxes
  bool force = false;    // goes on where too many pictures have no label
  uint64_t seed = 1;
  double validation_fraction = 0.2;
};

struct TrainingPicture {
  std::string path;               // relative to root
  std::vector<uint32_t> truth;    // its labels, each once
  std::vector<LabeledBox> boxes;  // kDetection only
  bool is_validation = false;
};

struct TrainingSet {
  std::string root;
  std::vector<std::string> labels;        // in the order of their text
  std::vector<TrainingPicture> pictures;  // in the order of their paths
  std::vector<annotation::Problem> problems;
  std::vector<std::string> warnings;
};

// FAILED_PRECONDITION: one label (of classifiers), too few pictures, too many without a label, a
// single-label task with pictures of several labels. Which pictures can be decoded is not looked
// at.
absl::StatusOr<TrainingSet> ReadTrainingSet(FileSystem& files, const TrainingSetOptions& options);

}  // namespace bowerbird::train
