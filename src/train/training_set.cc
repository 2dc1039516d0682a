// SPDX-License-Identifier: Apache-2.0
#include "train/training_set.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "annotation/format.h"
#include "annotation/split.h"
#include "base/status.h"

namespace bowerbird::train {
namespace {

using annotation::AnnotatedImage;

// Lines of a file of labels have no blanks at their ends. A label of nothing else stays as it is.
std::string WithoutBlanksAtEnds(const std::string& label) {
  const size_t begin = label.find_first_not_of(' ');
  if (begin == std::string::npos) return label;
  return label.substr(begin, label.find_last_not_of(' ') - begin + 1);
}

// Labels that people take for the same: without blanks at the ends, case, or width of blanks.
std::string Folded(const std::string& label) {
  std::string folded;
  for (const char c : label) {
    const bool blank = c == ' ' || c == '\t' || c == '_';
    if (blank && (folded.empty() || folded.back() == ' ')) continue;
    folded += blank ? ' ' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

// What is said about the whole picture; where nothing is, or boxes are to be learnt, what its boxes
// show.
std::set<std::string> LabelsOf(const AnnotatedImage& image, Task task) {
  std::set<std::string> labels;
  if (task != Task::kDetection) {
    labels.insert(image.tags.begin(), image.tags.end());
    for (const auto& one : image.annotations.classifications) labels.insert(one.label);
  }
  if (labels.empty()) {
    for (const annotation::Box& box : image.annotations.boxes) labels.insert(box.label);
  }
  return labels;
}

struct Labelled {
  std::set<std::string> labels;
  std::vector<annotation::Box> boxes;
  std::optional<annotation::Split> split;
};

class SetReader {
 public:
  SetReader(FileSystem& files, const TrainingSetOptions& options)
      : files_(files), options_(options) {}

  absl::StatusOr<TrainingSet> Read() {
    RETURN_IF_ERROR(ReadPictures());
    RETURN_IF_ERROR(CheckLabelled());
    MergeSpellings();
    RETURN_IF_ERROR(NumberLabels());
    RETURN_IF_ERROR(Divide());
    return std::move(set_);
  }

 private:
  absl::Status ReadPictures() {
    const annotation::Format* format = nullptr;
    if (options_.format == "auto") {
      ASSIGN_OR_RETURN(const auto detected, annotation::DetectFormat(files_, options_.directory));
      format = detected.format;
    } else {
      ASSIGN_OR_RETURN(format, annotation::FindFormat(options_.format));
    }
    ASSIGN_OR_RETURN(auto reader, annotation::OpenReader(*format, files_,
                                                         {.directory = options_.directory,
                                                          .pictures = options_.pictures}));
    set_.root = options_.pictures;
    if (set_.root.empty()) {
      const auto info = files_.Stat(options_.directory);
      const bool is_file = info.ok() && info->kind == FileInfo::Kind::kFile;
      set_.root = is_file ? ParentDirectory(options_.directory) : options_.directory;
    }
    while (true) {
      ASSIGN_OR_RETURN(auto event, reader->Next());
      if (!event.has_value()) return absl::OkStatus();
      if (auto* problem = std::get_if<annotation::Problem>(&*event)) {
        set_.problems.push_back(std::move(*problem));
        continue;
      }
      const AnnotatedImage& image = std::get<AnnotatedImage>(*event);
      // A picture comes once for each file of annotations that is about it.
      Labelled& known = found_[image.path];
      known.labels.merge(LabelsOf(image, options_.task));
      known.boxes.insert(known.boxes.end(), image.annotations.boxes.begin(),
                         image.annotations.boxes.end());
      if (image.split.has_value()) known.split = image.split;
    }
  }

  absl::Status CheckLabelled() {
    if (found_.empty())
      return NotFound("there are no pictures in " + options_.directory +
                      (set_.problems.empty() ? ": give a folder per class, or annotations of a "
                                               "known format (docs/data-formats.md)"
                                             : ": " + TextOf(set_.problems.front())));
    size_t unlabelled = 0;
    for (auto& [path, picture] : found_) {
      if (!picture.labels.empty()) continue;
      ++unlabelled;
      if (options_.unknown) picture.labels.insert(kUnknownLabel);
    }
    const auto share = static_cast<double>(unlabelled) / static_cast<double>(found_.size());
    const bool boxes = options_.task == Task::kDetection;
    if (!options_.unknown && !options_.force && share > kMaxUnlabelled)
      return FailedPrecondition(
          std::to_string(unlabelled) + " of " + std::to_string(found_.size()) +
          " pictures have no " +
          (boxes ? "box, and at most a fifth may: draw some, or go on with them as pictures of "
                   "nothing (--force)"
                 : std::string("label, and at most a fifth may: label them, or go on without them "
                               "(--force), or with them as ") +
                       kUnknownLabel + " (--unknown)") +
          (set_.problems.empty() ? "" : "; left out: " + TextOf(set_.problems.front())));
    // Of several labels or of boxes, none at all is an answer; of one label it is not.
    if (options_.task == Task::kSingleLabel || !options_.force)
      std::erase_if(found_, [](const auto& one) { return one.second.labels.empty(); });
    if (unlabelled > 0 && !options_.unknown)
      set_.warnings.push_back(std::to_string(unlabelled) +
                              (boxes ? " pictures have no box" : " pictures have no label"));
    return absl::OkStatus();
  }

  // Spellings that differ by case or blanks become the one that most pictures have.
  void MergeSpellings() {
    std::map<std::string, std::map<std::string, size_t>> spellings;
    for (const auto& [path, picture] : found_) {
      for (const std::string& label : picture.labels) ++spellings[Folded(label)][label];
    }
    std::map<std::string, std::string> chosen;
    for (const auto& [folded, counts] : spellings) {
      const auto most = std::ranges::max_element(
          counts, [](const auto& a, const auto& b) { return a.second < b.second; });
      const std::string name = WithoutBlanksAtEnds(most->first);
      for (const auto& [label, count] : counts) {
        chosen[label] = name;
        if (label != name) set_.warnings.push_back("'" + label + "' is taken for '" + name + "'");
      }
    }
    for (auto& [path, picture] : found_) {
      std::set<std::string> labels;
      for (const std::string& label : picture.labels) labels.insert(chosen[label]);
      picture.labels = std::move(labels);
      for (annotation::Box& box : picture.boxes) {
        if (const auto found = chosen.find(box.label); found != chosen.end())
          box.label = found->second;
      }
    }
  }

  absl::Status NumberLabels() {
    std::map<std::string, uint32_t> numbers;
    for (const auto& [path, picture] : found_) {
      for (const std::string& label : picture.labels) numbers[label] = 0;
    }
    for (auto& [label, number] : numbers) {
      number = static_cast<uint32_t>(set_.labels.size());
      set_.labels.push_back(label);
    }
    const bool single = options_.task == Task::kSingleLabel;
    if (set_.labels.empty() || (single && set_.labels.size() < 2))
      return FailedPrecondition(
          set_.labels.empty()
              ? (options_.task == Task::kDetection ? "no picture has a box: draw some"
                                                   : "no picture has a label: label some")
              : "all pictures are of '" + set_.labels[0] +
                    "': a classifier needs a second label (or pictures without one, as " +
                    kUnknownLabel + ": --unknown)");
    if (found_.size() < kMinPictures)
      return FailedPrecondition("there are " + std::to_string(found_.size()) +
                                " pictures with a label, and training needs at least " +
                                std::to_string(kMinPictures) + ": label more");
    std::vector<size_t> counts(set_.labels.size());
    for (const auto& [path, picture] : found_) {
      if (single && picture.labels.size() != 1)
        return FailedPrecondition("'" + path + "' has " + std::to_string(picture.labels.size()) +
                                  " labels: --type multi trains with any number");
      TrainingPicture one{.path = path, .truth = {}, .boxes = {}, .is_validation = false};
      for (const std::string& label : picture.labels) {
        one.truth.push_back(numbers[label]);
        ++counts[numbers[label]];
      }
      if (options_.task == Task::kDetection) {
        for (const annotation::Box& box : picture.boxes)
          one.boxes.push_back(
              {static_cast<int>(numbers[box.label]), box.x_min, box.y_min, box.x_max, box.y_max});
      }
      set_.pictures.push_back(std::move(one));
    }
    for (size_t k = 0; k < counts.size(); ++k) {
      if (counts[k] < 10)
        set_.warnings.push_back("'" + set_.labels[k] + "' has only " + std::to_string(counts[k]) +
                                " pictures: ten are the least that tells much");
    }
    return absl::OkStatus();
  }

  absl::Status Divide() {
    const bool given = std::ranges::any_of(
        found_, [](const auto& one) { return one.second.split == annotation::Split::kValidation; });
    if (given) {
      // Pictures for a later test are not looked at.
      std::erase_if(set_.pictures, [this](TrainingPicture& picture) {
        const auto split = found_[picture.path].split;
        picture.is_validation = split == annotation::Split::kValidation;
        return split == annotation::Split::kTest;
      });
      return absl::OkStatus();
    }
    std::vector<annotation::SplitItem> items;
    for (const TrainingPicture& picture : set_.pictures) items.push_back({.key = picture.path});
    ASSIGN_OR_RETURN(
        const std::vector<annotation::Split> sides,
        annotation::AssignSplits(
            items, {.seed = options_.seed, .validation_fraction = options_.validation_fraction}));
    for (size_t i = 0; i < sides.size(); ++i)
      set_.pictures[i].is_validation = sides[i] == annotation::Split::kValidation;
    return absl::OkStatus();
  }

  FileSystem& files_;
  const TrainingSetOptions& options_;
  std::map<std::string, Labelled> found_;  // by path
  TrainingSet set_;
};

}  // namespace

std::string_view TaskName(Task task) {
  if (task == Task::kMultiLabel) return "multi";
  return task == Task::kDetection ? "detection" : "single";
}

absl::StatusOr<TrainingSet> ReadTrainingSet(FileSystem& files, const TrainingSetOptions& options) {
  return SetReader(files, options).Read();
}

}  // namespace bowerbird::train
