// SPDX-License-Identifier: Apache-2.0
#include "app/evaluate_model.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "annotation/format.h"
#include "app/progress.h"
#include "base/phases.h"
#include "base/status.h"
#include "image/picture.h"

namespace bowerbird::app {
namespace {

using annotation::AnnotatedImage;
using annotation::Problem;

constexpr uint64_t kMaxPictureBytes = uint64_t{64} << 20;

std::string Folded(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Labels by their text; numbers in the order of Add.
class LabelNumbers {
 public:
  uint32_t Add(const std::string& label) {
    const auto [place, fresh] =
        numbers_.try_emplace(Folded(label), static_cast<uint32_t>(names_.size()));
    if (fresh) names_.push_back(label);
    return place->second;
  }
  std::optional<uint32_t> Find(const std::string& label) const {
    const auto place = numbers_.find(Folded(label));
    return place == numbers_.end() ? std::nullopt : std::optional(place->second);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, uint32_t> numbers_;
  std::vector<std::string> names_;
};

// What is said about the whole picture; where nothing is, what its boxes show.
std::set<std::string> WholePictureLabels(const AnnotatedImage& image) {
  std::set<std::string> labels(image.tags.begin(), image.tags.end());
  for (const annotation::Classification& one : image.annotations.classifications) {
    labels.insert(one.label);
  }
  if (labels.empty()) {
    for (const annotation::Box& box : image.annotations.boxes) labels.insert(box.label);
  }
  return labels;
}

class Questioner {
 public:
  Questioner(const vision::Finder& finder, const LabelledFolder& folder)
      : finder_(finder), folder_(folder), files_(MakeFileSystem()) {}

  absl::StatusOr<ModelAnswers> Ask() {
    RETURN_IF_ERROR(ReadFolder());
    boxes_ = finder_.detects() &&
             std::any_of(images_.begin(), images_.end(),
                         [](const auto& image) { return !image.annotations.boxes.empty(); });
    if (!boxes_ && !finder_.classifies()) {
      return FailedPrecondition(folder_.directory +
                                " has no boxes, and the model finds boxes: give it a folder with "
                                "boxes (VOC, COCO, ...)");
    }
    NumberLabels();
    if (labels_.names().empty()) {
      return FailedPrecondition(folder_.directory +
                                " has no labels: a folder per class, or "
                                "annotations of a known format");
    }
    if (boxes_) answers_.detections.emplace();
    Progress progress("pictures", images_.size());
    for (const AnnotatedImage& image : images_) {
      if (Interrupted()) return absl::CancelledError("interrupted");
      const absl::Status status = AskAbout(image);
      if (absl::IsFailedPrecondition(status)) return status;
      if (!status.ok()) {
        answers_.problems.push_back(
            {Problem::Kind::kImageSkipped, image.path, "", MessageOf(status)});
      }
      progress.Add(1, 0);
    }
    return Finish();
  }

 private:
  absl::Status ReadFolder() {
    const annotation::Format* format = nullptr;
    if (folder_.format == "auto") {
      ASSIGN_OR_RETURN(const auto detected, annotation::DetectFormat(*files_, folder_.directory));
      format = detected.format;
    } else {
      ASSIGN_OR_RETURN(format, annotation::FindFormat(folder_.format));
    }
    ASSIGN_OR_RETURN(auto reader, annotation::OpenReader(*format, *files_,
                                                         {.directory = folder_.directory,
                                                          .pictures = folder_.pictures}));
    root_ = folder_.pictures;
    if (root_.empty()) {
      root_ = std::filesystem::is_directory(folder_.directory) ? folder_.directory
                                                               : ParentDirectory(folder_.directory);
    }
    std::map<std::string, size_t> places;
    while (true) {
      ASSIGN_OR_RETURN(auto event, reader->Next());
      if (!event.has_value()) break;
      if (auto* problem = std::get_if<Problem>(&*event)) {
        answers_.problems.push_back(std::move(*problem));
        continue;
      }
      AnnotatedImage& image = std::get<AnnotatedImage>(*event);
      if (!folder_.split.empty() &&
          (!image.split.has_value() || image.split != annotation::SplitOf(folder_.split))) {
        continue;
      }
      Merge(std::move(image), places);
    }
    if (images_.empty()) {
      return NotFound("there are no pictures" +
                      (folder_.split.empty() ? "" : " of the split " + folder_.split) + " in " +
                      folder_.directory +
                      (answers_.problems.empty()
                           ? ": --pictures names another folder for them"
                           : " that can be used: " + TextOf(answers_.problems.front())));
    }
    return absl::OkStatus();
  }

  // A picture comes once for each file of annotations that is about it.
  void Merge(AnnotatedImage image, std::map<std::string, size_t>& places) {
    const auto [place, fresh] = places.try_emplace(image.path, images_.size());
    if (fresh) {
      images_.push_back(std::move(image));
      return;
    }
    AnnotatedImage& known = images_[place->second];
    const auto append = [](auto& to, auto& from) {
      to.insert(to.end(), std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
    };
    append(known.annotations.boxes, image.annotations.boxes);
    append(known.annotations.classifications, image.annotations.classifications);
    append(known.tags, image.tags);
  }

  void NumberLabels() {
    std::set<std::string> names;
    for (const AnnotatedImage& image : images_) {
      if (!boxes_) {
        names.merge(WholePictureLabels(image));
        continue;
      }
      for (const annotation::Box& box : image.annotations.boxes) names.insert(box.label);
    }
    for (const std::string& name : names) labels_.Add(name);
    of_folder_ = static_cast<uint32_t>(labels_.names().size());
  }

  absl::Status AskAbout(const AnnotatedImage& image) {
    ASSIGN_OR_RETURN(std::string bytes,
                     ReadFile(*files_, root_ + "/" + image.path, kMaxPictureBytes));
    const auto picture = image::Picture::FromBytes(std::move(bytes));
    phases_ = {};
    const auto start = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(boxes_ ? AskForBoxes(image, *picture) : AskForClasses(image, *picture));
    answers_.call_ms.push_back(
        std::chrono::duration<double, std::milli>(answered_ - start).count());
    answers_.invoke_ms.push_back(phases_.Milliseconds(Phase::kInvoke));
    answers_.paths.push_back(image.path);
    ++answers_.pictures;
    return absl::OkStatus();
  }

  absl::Status AskForBoxes(const AnnotatedImage& image, const image::Picture& picture) {
    ASSIGN_OR_RETURN(const auto found, finder_.Detect(Watched(), picture));
    answered_ = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    const double width = header.size.width, height = header.size.height;
    evaluate::DetectionSet& set = *answers_.detections;
    const auto number = static_cast<uint32_t>(answers_.pictures);
    for (const annotation::Box& box : image.annotations.boxes) {
      evaluate::TruthBox truth{
          number,
          *labels_.Find(box.label),
          {box.x_min * width, box.y_min * height, box.x_max * width, box.y_max * height}};
      truth.area = truth.box.Area();
      set.truth.push_back(truth);
    }
    for (const vision::Detection& one : found) {
      const std::optional<uint32_t> label = labels_.Find(one.label);
      if (!label.has_value()) {
        foreign_ = one.label;
        continue;
      }
      said_.insert(*label);
      set.found.push_back({number,
                           *label,
                           {static_cast<double>(one.x_min), static_cast<double>(one.y_min),
                            static_cast<double>(one.x_max), static_cast<double>(one.y_max)},
                           one.confidence});
    }
    return absl::OkStatus();
  }

  absl::Status AskForClasses(const AnnotatedImage& image, const image::Picture& picture) {
    const std::set<std::string> truth = WholePictureLabels(image);
    if (truth.empty()) return InvalidArgument("nothing is said about the picture: label it");
    ASSIGN_OR_RETURN(const auto found, finder_.Classify(Watched(), picture));
    answered_ = std::chrono::steady_clock::now();
    std::map<uint32_t, float> scores;
    for (const vision::Classification& one : found) {
      const uint32_t label = labels_.Add(one.label);
      said_.insert(label);
      scores[label] = std::max(scores[label], static_cast<float>(one.confidence));
    }
    if (rows_.empty() && !std::any_of(said_.begin(), said_.end(),
                                      [this](uint32_t label) { return label < of_folder_; })) {
      return NothingInCommon(labels_.names()[*said_.begin()]);
    }
    std::vector<uint32_t> numbers;
    numbers.reserve(truth.size());
    for (const std::string& label : truth) numbers.push_back(*labels_.Find(label));
    answers_.single = answers_.single && numbers.size() == 1;
    answers_.truth.push_back(std::move(numbers));
    rows_.push_back(std::move(scores));
    return absl::OkStatus();
  }

  Context Watched() {
    Context context;
    context.phases = &phases_;
    return context;
  }

  absl::Status NothingInCommon(const std::string& label) const {
    return FailedPrecondition("the model's labels (" + label + ", ...) and those of the folder (" +
                              labels_.names().front() +
                              ", ...) have none in common: give --labels");
  }

  absl::StatusOr<ModelAnswers> Finish() {
    answers_.root = root_;
    if (answers_.pictures == 0) {
      return NotFound("none of the pictures in " + folder_.directory + " could be used" +
                      (answers_.problems.empty() ? "" : ": " + TextOf(answers_.problems.front())));
    }
    if (boxes_ && said_.empty() && foreign_) return NothingInCommon(*foreign_);
    for (uint32_t label = 0; label < of_folder_; ++label) {
      if (!said_.contains(label)) answers_.unknown.push_back(labels_.names()[label]);
    }
    if (boxes_) {
      answers_.detections->pictures = static_cast<uint32_t>(answers_.pictures);
      answers_.detections->categories = labels_.names();
      return std::move(answers_);
    }
    answers_.scored.labels = labels_.names();
    const size_t labels = labels_.names().size();
    answers_.scored.scores.resize(rows_.size() * labels);
    for (size_t i = 0; i < rows_.size(); ++i) {
      for (const auto& [label, score] : rows_[i]) {
        answers_.scored.scores[i * labels + label] = score;
      }
    }
    return std::move(answers_);
  }

  const vision::Finder& finder_;
  const LabelledFolder& folder_;
  const std::unique_ptr<FileSystem> files_;
  std::string root_;
  std::vector<AnnotatedImage> images_;
  LabelNumbers labels_;
  uint32_t of_folder_ = 0;              // labels below are the folder's
  std::set<uint32_t> said_;             // labels that the model can say, or did say
  std::optional<std::string> foreign_;  // of a detection: a label that the folder has not
  bool boxes_ = false;
  std::vector<std::map<uint32_t, float>> rows_;
  PhaseTimes phases_;  // of the picture that is asked about
  std::chrono::steady_clock::time_point answered_;
  ModelAnswers answers_;
};

}  // namespace

absl::StatusOr<ModelAnswers> AskModel(const vision::Finder& finder, const LabelledFolder& folder) {
  return Questioner(finder, folder).Ask();
}

}  // namespace bowerbird::app
