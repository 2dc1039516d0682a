// SPDX-License-Identifier: Apache-2.0
#include "vision/postprocess_head.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/status.h"

namespace bowerbird::vision {
namespace {

bool IsFinite(std::span<const float> box) {
  return std::all_of(box.begin(), box.end(), [](float value) { return std::isfinite(value); });
}

// Class numbers beyond this are no class numbers; they must not overflow the conversion either.
constexpr float kLargestCategory = 1e6f;

int ToCategory(float value) {
  if (!(value > 0)) return 0;  // NaN as well
  return static_cast<int>(std::min(value, kLargestCategory));
}

struct Scored {
  int category = 0;
  float score = 0;
};

// The best class of box `i`, the first on ties.
Scored BestClass(std::span<const float> scores, const ClasswiseLayout& layout, size_t i,
                 size_t boxes) {
  const size_t classes = static_cast<size_t>(layout.classes);
  const size_t step = layout.classes_first ? boxes : 1;
  const size_t start = layout.classes_first ? i : i * classes;
  Scored best{0, scores[start]};
  for (size_t c = 1; c < classes; ++c) {
    const float score = scores[start + c * step];
    if (score > best.score || std::isnan(best.score)) best = {static_cast<int>(c), score};
  }
  return best;
}

absl::Status SizeMismatch(const PostprocessOutputs& outputs) {
  return Unknown("output tensor sizes did not match each other as expected: score " +
                 std::to_string(outputs.score.size()) + ", category " +
                 std::to_string(outputs.category.size()) + ", location " +
                 std::to_string(outputs.location.size()) +
                 " (4 for each box): check remap_output_names");
}

double Share(float value, bool absolute, int extent) {
  if (!absolute) return std::clamp(static_cast<double>(value), 0.0, 1.0);
  const double last = std::max(extent - 1, 1);
  return std::clamp(static_cast<double>(value), 0.0, last) / last;
}

}  // namespace

ClasswiseLayout LayoutOf(const infer::Shape& score_shape, int64_t boxes) {
  if (score_shape.size() != 3) return {};
  if (score_shape[1] == boxes) return {score_shape[2], false};
  if (score_shape[2] == boxes) return {score_shape[1], true};
  return {score_shape[2], false};
}

bool AreAbsolute(std::span<const float> location) {
  size_t with_area = 0;
  size_t beyond = 0;
  for (size_t i = 0; i + 4 <= location.size(); i += 4) {
    const auto box = location.subspan(i, 4);
    if (!IsFinite(box) || box[0] == box[2] || box[1] == box[3]) continue;
    ++with_area;
    if (std::any_of(box.begin(), box.end(), [](float value) { return value > 2; })) ++beyond;
  }
  return with_area > 0 && beyond * 2 >= with_area;
}

absl::StatusOr<std::vector<Candidate>> DecodePostprocess(const PostprocessOutputs& outputs,
                                                         const BoxOrder& order, image::Size input) {
  const size_t boxes = outputs.location.size() / 4;
  const bool classwise = outputs.category.empty();
  const ClasswiseLayout layout =
      classwise ? LayoutOf(outputs.score_shape, static_cast<int64_t>(boxes)) : ClasswiseLayout{};
  const size_t categories = classwise ? boxes : outputs.category.size();
  if (outputs.location.size() % 4 != 0 || categories != boxes || layout.classes < 1 ||
      outputs.score.size() != boxes * static_cast<size_t>(layout.classes)) {
    return SizeMismatch(outputs);
  }
  const bool absolute = AreAbsolute(outputs.location);
  const std::array<int, 4> at = PositionsOf(order);
  std::vector<Candidate> candidates;
  candidates.reserve(boxes);
  for (size_t i = 0; i < boxes; ++i) {
    const auto box = outputs.location.subspan(i * 4, 4);
    if (!IsFinite(box)) continue;
    const Scored best = classwise ? BestClass(outputs.score, layout, i, boxes)
                                  : Scored{ToCategory(outputs.category[i]), outputs.score[i]};
    if (std::isnan(best.score)) continue;
    const auto value = [&](size_t corner) { return box[static_cast<size_t>(at[corner])]; };
    candidates.push_back(
        {Share(value(0), absolute, input.width), Share(value(1), absolute, input.height),
         Share(value(2), absolute, input.width), Share(value(3), absolute, input.height),
         NormalizeScore(best.score), best.category});
  }
  return candidates;
}

}  // namespace bowerbird::vision
