// SPDX-License-Identifier: Apache-2.0
#include "vision/detector_head.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "vision/label_list.h"
#include "vision/postprocess_head.h"

namespace bowerbird::vision {
namespace {

const OutputSample& At(std::span<const OutputSample> outputs, int index) {
  return outputs[static_cast<size_t>(index)];
}

BoxOrder OrderFor(const ModelFinderOptions& options, const infer::TensorInfo& location) {
  if (options.box_order.has_value()) return *options.box_order;
  if (location.box_order.has_value() && location.box_order->size() == 4) {
    BoxOrder order;
    std::copy_n(location.box_order->begin(), 4, order.begin());
    if (IsPermutation(order)) return order;
  }
  return kDefaultBoxOrder;
}

int64_t BoxCount(const OutputSample& location) {
  return static_cast<int64_t>(location.values.values().size() / 4);
}

bool HoldsLogits(std::span<const float> scores) {
  constexpr float kRounding = 1e-2f;
  return std::any_of(scores.begin(), scores.end(),
                     [](float score) { return score < -kRounding || score > 1 + kRounding; });
}

// A background column: always, but for a label list that has a name for each column and none for
// the background. Class numbers follow the label list where there is one.
void ReadClasses(SsdLayout& layout, const std::vector<std::string>& labels) {
  const LabelList list(labels);
  if (list.empty() || list.starts_with_background()) {
    layout.has_background = true;
    layout.first_category = 1;
    return;
  }
  layout.has_background = layout.classes != list.size();
  layout.first_category = 0;
}

// The output that holds candidates: the remapped location, else the largest of rank 3.
absl::StatusOr<int> CandidateOutput(std::span<const OutputSample> outputs,
                                    const ModelFinderOptions& options) {
  ASSIGN_OR_RETURN(const int remapped,
                   RemappedOutput(outputs, options.remap_output_names, "location"));
  if (remapped >= 0) return remapped;
  int best = -1;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].shape.size() != 3) continue;
    if (best < 0 || outputs[i].values.values().size() > At(outputs, best).values.values().size()) {
      best = static_cast<int>(i);
    }
  }
  if (best >= 0) return best;
  return FailedPrecondition("no output of rank 3 that could hold YOLO candidates among " +
                            DescribeOutputs(outputs));
}

}  // namespace

absl::StatusOr<DetectorHead> DetectorHead::Recognize(std::span<const OutputSample> outputs,
                                                     const ModelFinderOptions& options,
                                                     image::Size input,
                                                     const std::vector<std::string>& labels) {
  DetectorHead head;
  const bool forced = options.decoder == Decoder::kYolo;
  if (forced || (options.decoder == Decoder::kAuto && outputs.size() == 1)) {
    ASSIGN_OR_RETURN(head.candidates_output_, CandidateOutput(outputs, options));
    RETURN_IF_ERROR(head.SetUpYolo(outputs, input, static_cast<int>(labels.size()), forced));
    return head;
  }
  RETURN_IF_ERROR(head.SetUpBoxes(outputs, options, input, labels));
  return head;
}

absl::Status DetectorHead::SetUpYolo(std::span<const OutputSample> outputs, image::Size input,
                                     int label_count, bool forced) {
  const OutputSample& output = At(outputs, candidates_output_);
  ASSIGN_OR_RETURN(yolo_,
                   RecognizeYolo(output.shape, output.values.values(), input, label_count, forced));
  decoder_ = Decoder::kYolo;
  needs_suppression_ = true;
  const YoloLayout& layout = yolo_.layout;
  using Coordinates = YoloLayout::Coordinates;
  description_ = "decoder=yolo candidates=" + output.info->name +
                 " count=" + std::to_string(layout.candidates) +
                 " columns=" + std::to_string(layout.columns) +
                 (layout.objectness ? " objectness" : "") + (layout.logits ? " logits" : "") +
                 (layout.coordinates == Coordinates::kGrid     ? " grid"
                  : layout.coordinates == Coordinates::kPixels ? " pixels"
                                                               : " relative");
  return absl::OkStatus();
}

absl::Status DetectorHead::SetUpBoxes(std::span<const OutputSample> outputs,
                                      const ModelFinderOptions& options, image::Size input,
                                      const std::vector<std::string>& labels) {
  ASSIGN_OR_RETURN(roles_, ResolveDetectionRoles(outputs, options.remap_output_names));
  const OutputSample& location = At(outputs, roles_.location);
  order_ = OrderFor(options, *location.info);
  // Scores by class come from before a suppression, a class number a box from after one.
  const bool classwise = roles_.category < 0 && At(outputs, roles_.score).shape.size() == 3;
  needs_suppression_ = classwise;
  const bool raw =
      options.decoder == Decoder::kSsd || (options.decoder == Decoder::kAuto && classwise &&
                                           LookLikeOffsets(location.values.values(), order_));
  if (raw) return SetUpSsd(outputs, input, labels);
  decoder_ = Decoder::kPostprocess;
  DescribeBoxes(outputs);
  // Sizes that do not match each other must be seen now, not at the first picture.
  const auto probe = [&](int index) -> absl::StatusOr<OutputSample> {
    const OutputSample& output = At(outputs, index);
    return OutputSample{output.info, output.shape, TensorValues::Of(output.values.values())};
  };
  return Decode(probe, input, 0).status();
}

absl::Status DetectorHead::SetUpSsd(std::span<const OutputSample> outputs, image::Size input,
                                    const std::vector<std::string>& labels) {
  const OutputSample& location = At(outputs, roles_.location);
  const OutputSample& score = At(outputs, roles_.score);
  const int64_t boxes = BoxCount(location);
  const std::optional<AnchorLayout> anchors = FindAnchorLayout(input, boxes);
  if (!anchors.has_value()) {
    return FailedPrecondition(
        "raw boxes " + location.info->name + " " + infer::ShapeText(location.shape) +
        " fit no known set of anchors for an input of " + std::to_string(input.width) + "x" +
        std::to_string(input.height) + " (300x300 has 1917, 320x320 has 2034)");
  }
  const ClasswiseLayout columns = LayoutOf(score.shape, boxes);
  ssd_.layout.classes = columns.classes;
  ssd_.layout.classes_first = columns.classes_first;
  ssd_.layout.logits = HoldsLogits(score.values.values());
  ssd_.layout.order = order_;
  ReadClasses(ssd_.layout, labels);
  ssd_.anchors = GenerateAnchors(input, *anchors);
  decoder_ = Decoder::kSsd;
  needs_suppression_ = true;
  DescribeBoxes(outputs);
  return DecodeSsd(location.values.values(), score.values.values(), ssd_.anchors, ssd_.layout, 0)
      .status();
}

void DetectorHead::DescribeBoxes(std::span<const OutputSample> outputs) {
  description_ = decoder_ == Decoder::kSsd ? "decoder=ssd" : "decoder=postprocess";
  const auto add = [&](const char* role, int index) {
    if (index >= 0) description_ += std::string(" ") + role + "=" + At(outputs, index).info->name;
  };
  add("location", roles_.location);
  add("category", roles_.category);
  add("score", roles_.score);
  add("count", roles_.count);
  if (decoder_ != Decoder::kSsd) return;
  description_ += " anchors=" + std::to_string(ssd_.anchors.size()) +
                  " classes=" + std::to_string(ssd_.layout.classes) +
                  (ssd_.layout.has_background ? " background" : "") +
                  (ssd_.layout.logits ? " logits" : "");
}

bool DetectorHead::is_yolox() const {
  return decoder_ == Decoder::kYolo && yolo_.layout.coordinates == YoloLayout::Coordinates::kGrid;
}

absl::StatusOr<std::vector<Candidate>> DetectorHead::Decode(const OutputReader& output,
                                                            image::Size input,
                                                            double minimum_score) const {
  if (decoder_ == Decoder::kYolo) {
    ASSIGN_OR_RETURN(const OutputSample candidates, output(candidates_output_));
    return DecodeYolo(candidates.values.values(), yolo_.layout, yolo_.grid.cells, input,
                      minimum_score);
  }
  ASSIGN_OR_RETURN(const OutputSample location, output(roles_.location));
  ASSIGN_OR_RETURN(const OutputSample score, output(roles_.score));
  if (decoder_ == Decoder::kSsd) {
    return DecodeSsd(location.values.values(), score.values.values(), ssd_.anchors, ssd_.layout,
                     minimum_score);
  }
  PostprocessOutputs boxes{location.values.values(), {}, score.values.values(), score.shape};
  OutputSample category;
  if (roles_.category >= 0) {
    ASSIGN_OR_RETURN(category, output(roles_.category));
    boxes.category = category.values.values();
  }
  ASSIGN_OR_RETURN(std::vector<Candidate> candidates, DecodePostprocess(boxes, order_, input));
  std::erase_if(candidates,
                [&](const Candidate& candidate) { return candidate.score < minimum_score; });
  return candidates;
}

}  // namespace bowerbird::vision
