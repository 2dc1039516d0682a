// SPDX-License-Identifier: Apache-2.0
//
// Stages that write on a picture what a vision service sees in it: detections, classifications.
// The service is looked up at each picture: it may come later than the camera, or use it.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <set>
#include <utility>

#include "base/status.h"
#include "image/draw.h"
#include "machine/transform_stage.h"

namespace bowerbird::machine {
namespace {

constexpr image::Color kRed{255, 0, 0};
constexpr int kLineHeight = 30;  // of written classes, and their distance from the edges

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Which results are shown.
struct Choice {
  std::string service;
  double threshold = 0;
  std::set<std::string> labels;  // in small letters; empty = all

  bool Shows(const std::string& label, double confidence) const {
    return confidence >= threshold && (labels.empty() || labels.contains(Lower(label)));
  }
};

absl::StatusOr<Choice> ReadChoice(const Attributes& attributes, std::string_view service_key) {
  Choice choice;
  ASSIGN_OR_RETURN(choice.service, attributes.RequiredString(service_key));
  ASSIGN_OR_RETURN(choice.threshold, attributes.Double("confidence_threshold", 0, 0, 1));
  ASSIGN_OR_RETURN(const auto labels, attributes.Strings("valid_labels"));
  for (const auto& label : labels) choice.labels.insert(Lower(label));
  return choice;
}

std::string Caption(const std::string& label, double confidence) {
  char score[16];
  std::snprintf(score, sizeof score, ": %.2f", confidence);
  return label + score;
}

class Detect final : public TransformStage {
 public:
  Detect(Choice choice, const ResourceFinder* finder)
      : choice_(std::move(choice)), finder_(finder) {}
  bool IsPure() const override { return false; }

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto service, finder_->FindAs<Vision>(choice_.service));
    ASSIGN_OR_RETURN(const auto picture, frame.Encoded(context));
    ASSIGN_OR_RETURN(const Detections found,
                     service->GetDetections(context, *picture, Json::object()));
    ASSIGN_OR_RETURN(image::Image marked, frame.RgbPixels(context));
    for (const auto& detection : found.detections) {
      if (!choice_.Shows(detection.label, detection.confidence)) continue;
      if (detection.x_min < 0 || detection.y_min < 0 || detection.x_max > marked.width() ||
          detection.y_max > marked.height()) {
        return Unknown("detections: a box of " + choice_.service + " does not fit the picture");
      }
      image::DrawBox(marked, {detection.x_min, detection.y_min, detection.x_max, detection.y_max},
                     kRed);
      image::DrawLabel(marked, detection.x_min, detection.y_min,
                       Caption(detection.label, detection.confidence), kRed);
    }
    frame.Replace(std::move(marked), TransformFrame::Boxes::kKeep);
    return absl::OkStatus();
  }

 private:
  const Choice choice_;
  const ResourceFinder* const finder_;
};

class Classify final : public TransformStage {
 public:
  Classify(Choice choice, int most, const ResourceFinder* finder)
      : choice_(std::move(choice)), most_(most), finder_(finder) {}
  bool IsPure() const override { return false; }

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto service, finder_->FindAs<Vision>(choice_.service));
    ASSIGN_OR_RETURN(const auto picture, frame.Encoded(context));
    ASSIGN_OR_RETURN(auto classes,
                     service->GetClassifications(context, *picture, 0, Json::object()));
    std::erase_if(classes, [&](const auto& c) { return !choice_.Shows(c.label, c.confidence); });
    vision::KeepTop(classes, most_);
    ASSIGN_OR_RETURN(image::Image marked, frame.RgbPixels(context));
    int line = 0;
    for (const auto& classification : classes) {
      if (classification.label == "VIAM_UNKNOWN") continue;
      image::DrawLabel(marked, kLineHeight, kLineHeight * ++line,
                       Caption(classification.label, classification.confidence), kRed);
    }
    frame.Replace(std::move(marked), TransformFrame::Boxes::kKeep);
    return absl::OkStatus();
  }

 private:
  const Choice choice_;
  const int most_;
  const ResourceFinder* const finder_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TransformStage>> MakeDetections(
    const Attributes& attributes, const StageSurroundings& surroundings) {
  ASSIGN_OR_RETURN(Choice choice, ReadChoice(attributes, "detector_name"));
  return std::make_unique<Detect>(std::move(choice), surroundings.finder);
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeClassifications(
    const Attributes& attributes, const StageSurroundings& surroundings) {
  ASSIGN_OR_RETURN(Choice choice, ReadChoice(attributes, "classifier_name"));
  ASSIGN_OR_RETURN(const int64_t most, attributes.Int("max_classifications", 1, 0, 1000));
  return std::make_unique<Classify>(std::move(choice), most == 0 ? 1 : static_cast<int>(most),
                                    surroundings.finder);
}

}  // namespace bowerbird::machine
