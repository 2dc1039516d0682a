// SPDX-License-Identifier: Apache-2.0
#include "capture/trigger.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/status.h"
#include "image/resize.h"
#include "infer/model.h"

namespace bowerbird::capture {
namespace {

bool AsksVision(Condition::Kind kind) {
  return kind == Condition::Kind::kLeastConfidence || kind == Condition::Kind::kMargin ||
         kind == Condition::Kind::kDisagreement;
}

std::string ScoreTag(Condition::Kind kind, double score) {
  return "score_" + std::string(NameOf(kind)) + "_" + std::to_string(std::lround(score * 100));
}

// The input of a picture model, N H W C with one or three channels.
absl::StatusOr<image::TensorLayout> LayoutOf(const infer::TensorInfo& info) {
  image::TensorLayout layout;
  if (info.type == infer::DType::kUint8)
    layout.type = image::TensorLayout::Type::kUint8;
  else if (info.type == infer::DType::kInt8)
    layout.type = image::TensorLayout::Type::kInt8;
  else if (info.type == infer::DType::kFloat32)
    layout.type = image::TensorLayout::Type::kFloat32;
  else
    return InvalidArgument("its input is no picture");
  if (info.shape.size() != 4 || (info.shape[3] != 1 && info.shape[3] != 3) || info.shape[1] < 1 ||
      info.shape[2] < 1 || info.shape[1] > 4096 || info.shape[2] > 4096)
    return InvalidArgument("its input " + infer::ShapeText(info.shape) + " is no picture");
  layout.size = {static_cast<int>(info.shape[2]), static_cast<int>(info.shape[1])};
  layout.channels = static_cast<int>(info.shape[3]);
  return layout;
}

absl::StatusOr<Feature> ToFeature(const infer::TensorView& output) {
  Feature feature;
  const auto take = [&feature](auto values) {
    for (const auto value : values) feature.push_back(static_cast<float>(value));
  };
  if (output.type == infer::DType::kFloat32)
    take(output.As<float>());
  else if (output.type == infer::DType::kUint8)
    take(output.As<uint8_t>());
  else if (output.type == infer::DType::kInt8)
    take(output.As<int8_t>());
  else
    return InvalidArgument("its output is no feature vector");
  for (const float value : feature)
    if (!std::isfinite(value))
      return InvalidArgument("its output holds values that are no numbers");
  return feature;
}

}  // namespace

absl::Status CheckTrigger(const CaptureMethod& method) {
  if (!method.when.has_value()) return absl::OkStatus();
  for (const Condition& condition : method.when->conditions) {
    if (AsksVision(condition.kind) && condition.vision.empty() &&
        method.resource.api != machine::kVisionApi)
      return InvalidArgument(method.resource.ToString() + ": capture_when " +
                             std::string(NameOf(condition.kind)) +
                             ": name the vision service to be asked as \"vision\"");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::vector<std::string>>> Trigger::Judge(const Context& context,
                                                                       const Capture& capture,
                                                                       Steady now) {
  if (capture.items.empty() || capture.items.front().record.picture == nullptr) return std::nullopt;
  features_.clear();
  std::vector<std::string> tags;
  size_t held = 0;
  for (const Condition& condition : when_.conditions) {
    ASSIGN_OR_RETURN(const double score, Score(context, condition, capture));
    if (score < condition.threshold) continue;
    ++held;
    const std::string why = "why_" + std::string(NameOf(condition.kind));
    if (std::find(tags.begin(), tags.end(), why) != tags.end()) continue;
    tags.push_back(why);
    tags.push_back(ScoreTag(condition.kind, score));
  }
  if (held == 0 || (when_.all && held < when_.conditions.size())) return std::nullopt;
  if (!TakeFromBudget(now)) return std::nullopt;
  for (auto& [model, feature] : features_) memories_[model].Add(std::move(feature));
  return tags;
}

bool Trigger::TakeFromBudget(Steady now) {
  if (when_.max_per_hour == 0) return true;
  while (!spent_.empty() && now - spent_.front() >= std::chrono::hours(1)) spent_.pop_front();
  if (spent_.size() >= static_cast<size_t>(when_.max_per_hour)) {
    ++over_budget_;
    return false;
  }
  spent_.push_back(now);
  return true;
}

absl::StatusOr<double> Trigger::Score(const Context& context, const Condition& condition,
                                      const Capture& capture) {
  const image::Picture& picture = *capture.items.front().record.picture;
  if (condition.kind == Condition::Kind::kMotion) return ScoreMotion(picture);
  if (condition.kind == Condition::Kind::kNovelty) return ScoreNovelty(context, condition, picture);
  ASSIGN_OR_RETURN(const Findings findings, Ask(context, condition.vision, capture));
  if (condition.kind == Condition::Kind::kLeastConfidence) return LeastConfidence(findings);
  if (condition.kind == Condition::Kind::kMargin) return Margin(findings);
  ASSIGN_OR_RETURN(const Findings others, Ask(context, condition.other, capture));
  return Disagreement(findings, others);
}

absl::StatusOr<Findings> Trigger::Ask(const Context& context, const std::string& vision,
                                      const Capture& capture) const {
  if (capture.has_findings && (vision.empty() || vision == own_vision_.name))
    return Findings{capture.detections, capture.classifications};
  ASSIGN_OR_RETURN(const auto service, finder_.FindAs<machine::Vision>(vision));
  ASSIGN_OR_RETURN(const auto properties, service->GetProperties(context));
  const image::Picture& picture = *capture.items.front().record.picture;
  Findings findings;
  if (properties.detections) {
    ASSIGN_OR_RETURN(auto found, service->GetDetections(context, picture, Json::object()));
    findings.detections = std::move(found.detections);
  }
  if (properties.classifications) {
    ASSIGN_OR_RETURN(findings.classifications,
                     service->GetClassifications(context, picture, 0, Json::object()));
  }
  return findings;
}

absl::StatusOr<double> Trigger::ScoreMotion(const image::Picture& picture) {
  ASSIGN_OR_RETURN(Thumbnail now, MakeThumbnail(picture));
  const double score = last_.has_value() ? Motion(*last_, now) : 0;
  last_ = std::move(now);
  return score;
}

absl::StatusOr<double> Trigger::ScoreNovelty(const Context& context, const Condition& condition,
                                             const image::Picture& picture) {
  Feature feature;
  if (condition.model.empty()) {
    ASSIGN_OR_RETURN(feature, Describe(picture));
  } else {
    ASSIGN_OR_RETURN(feature, Embed(context, condition.model, picture));
  }
  const double score = memories_[condition.model].Novelty(feature);
  features_[condition.model] = std::move(feature);
  return score;
}

absl::StatusOr<Feature> Trigger::Embed(const Context& context, const std::string& name,
                                       const image::Picture& picture) const {
  ASSIGN_OR_RETURN(const auto service, finder_.FindAs<machine::MlModel>(name));
  const infer::Model& model = service->model();
  const std::string what = "capture_when novelty: the model \"" + name + "\"";
  if (model.metadata().inputs.size() != 1 || model.metadata().outputs.empty())
    return InvalidArgument(what + " needs one input, a picture, and an output");
  const auto layout = LayoutOf(model.metadata().inputs.front());
  if (!layout.ok()) return Annotate(layout.status(), what);
  ASSIGN_OR_RETURN(const auto lease, model.Acquire(context));
  ASSIGN_OR_RETURN(const auto header, picture.header());
  ASSIGN_OR_RETURN(const auto decoded, picture.Decoded(layout->size));
  RETURN_IF_ERROR(
      image::FillTensor(*decoded, header.size, *layout, image::FillOptions(), lease->Input(0))
          .status());
  RETURN_IF_ERROR(lease->Invoke(context));
  auto feature = ToFeature(lease->Output(0));
  if (!feature.ok()) return Annotate(feature.status(), what);
  return feature;
}

}  // namespace bowerbird::capture
