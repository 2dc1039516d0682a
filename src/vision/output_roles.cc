// SPDX-License-Identifier: Apache-2.0
#include "vision/output_roles.h"

#include <string_view>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "vision/output_evidence.h"

namespace bowerbird::vision {
namespace {

using Remap = std::map<std::string, std::string>;

bool Named(const OutputSample& output, std::string_view name) {
  return output.info->name == name || output.info->graph_name == name;
}

int IndexOf(std::span<const OutputSample> outputs, std::string_view name) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (Named(outputs[i], name)) return static_cast<int>(i);
  }
  return -1;
}

// What is resolved so far, and what is still free.
class Resolution {
 public:
  Resolution(std::span<const OutputSample> outputs, const Remap& remap)
      : outputs_(outputs), remap_(remap) {}

  absl::Status FromConfiguration() {
    ASSIGN_OR_RETURN(roles_.location, RemappedOutput(outputs_, remap_, "location"));
    ASSIGN_OR_RETURN(roles_.category, RemappedOutput(outputs_, remap_, "category"));
    ASSIGN_OR_RETURN(roles_.score, RemappedOutput(outputs_, remap_, "score"));
    return absl::OkStatus();
  }

  void FromLiteralNames() {
    if (roles_.location < 0) roles_.location = Free(IndexOf(outputs_, "location"));
    if (roles_.category < 0) roles_.category = Free(IndexOf(outputs_, "category"));
    if (roles_.score < 0) roles_.score = Free(IndexOf(outputs_, "score"));
  }

  void FromMetadata() {
    if (roles_.count < 0) roles_.count = OnlyFree(&SaysCount);
    if (roles_.location < 0) roles_.location = OnlyFree(&SaysLocation);
    if (roles_.score < 0) roles_.score = OnlyFree(&SaysScore);
    if (roles_.category < 0) roles_.category = OnlyFree(&SaysCategory);
  }

  void FromShapes() {
    if (roles_.count < 0) roles_.count = FirstFree(&LooksLikeCount);
    if (roles_.location < 0) roles_.location = FirstFree(&LooksLikeLocation);
    if (!CategoryNeeded()) return;
    if (roles_.category < 0 && roles_.score < 0) SplitScoreAndCategory();
    if (roles_.category < 0) roles_.category = FirstPerBox(/*category=*/true);
    if (roles_.score < 0) roles_.score = FirstPerBox(/*category=*/false);
  }

  // Whether a column a class, or having just two outputs, makes a category output superfluous.
  bool CategoryNeeded() {
    if (roles_.location < 0 || roles_.category >= 0) return roles_.score < 0;
    if (roles_.score < 0) roles_.score = FirstClasswise();
    if (roles_.score < 0 && outputs_.size() == 2) {
      roles_.score = FirstFree([](const OutputSample&) { return true; });
    }
    if (roles_.score < 0) return true;
    return outputs_.size() != 2 && outputs_[At(roles_.score)].shape.size() != 3;
  }

  absl::StatusOr<DetectionRoles> Finish() {
    if (roles_.location < 0) return Missing("location");
    if (roles_.category < 0 && CategoryNeeded()) return Missing("category");
    if (roles_.score < 0) return Missing("score");
    DropSuperfluousCategory();
    return roles_;
  }

 private:
  static size_t At(int index) { return static_cast<size_t>(index); }

  bool Taken(int index) const {
    return index == roles_.location || index == roles_.category || index == roles_.score ||
           index == roles_.count;
  }
  int Free(int index) const { return index >= 0 && !Taken(index) ? index : -1; }

  template <typename Test>
  int FirstFree(Test test) const {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (!Taken(static_cast<int>(i)) && test(outputs_[i])) return static_cast<int>(i);
    }
    return -1;
  }

  // The only free output that passes: metadata that fits two outputs decides nothing.
  template <typename Test>
  int OnlyFree(Test test) const {
    const int first = FirstFree(test);
    if (first < 0) return -1;
    for (size_t i = At(first) + 1; i < outputs_.size(); ++i) {
      if (!Taken(static_cast<int>(i)) && test(outputs_[i])) return -1;
    }
    return first;
  }

  size_t BoxCount() const { return outputs_[At(roles_.location)].values.values().size() / 4; }

  // Scores with a column for every class: [1, N, C] or [1, C, N] beside N boxes.
  int FirstClasswise() const {
    const size_t boxes = BoxCount();
    return FirstFree([&](const OutputSample& output) {
      return output.shape.size() == 3 && boxes > 0 &&
             (Extent(output.shape, 1) == static_cast<int64_t>(boxes) ||
              Extent(output.shape, 2) == static_cast<int64_t>(boxes));
    });
  }

  // Beside a column for every class, a class number a box cannot be meant.
  void DropSuperfluousCategory() {
    if (roles_.category < 0) return;
    const size_t scores = outputs_[At(roles_.score)].values.values().size();
    const size_t categories = outputs_[At(roles_.category)].values.values().size();
    if (outputs_[At(roles_.score)].shape.size() == 3 && scores != categories) roles_.category = -1;
  }

  int FirstPerBox(bool category) const {
    return FirstFree([&](const OutputSample& output) {
      if (output.shape.size() != 2) return false;
      return category ? HoldsWholeNumbers(output) : HoldsFloats(output);
    });
  }

  // Two equal-looking outputs of a number a box. What only one of them can be decides; where both
  // are all zeros, exporters' habit does: scores stand first when boxes come second.
  void SplitScoreAndCategory() {
    const auto per_box = [](const OutputSample& output) { return output.shape.size() == 2; };
    const int first = FirstFree(per_box);
    if (first < 0) return;
    roles_.category = first;  // only to find the next
    const int second = FirstFree(per_box);
    roles_.category = -1;
    if (second < 0) return;
    const bool first_class = MustBeCategory(outputs_[At(first)]);
    const bool second_class = MustBeCategory(outputs_[At(second)]);
    bool swapped = roles_.location > first && roles_.location < second;
    if (first_class != second_class) {
      swapped = second_class;
    } else if (MustBeScore(outputs_[At(first)]) != MustBeScore(outputs_[At(second)])) {
      swapped = MustBeScore(outputs_[At(first)]);
    }
    roles_.category = swapped ? second : first;
    roles_.score = swapped ? first : second;
  }

  absl::Status Missing(std::string_view role) const {
    return FailedPrecondition("no output fits the role '" + std::string(role) + "' among " +
                              DescribeOutputs(outputs_) +
                              "; name it with remap_output_names, as {\"<model's name>\": \"" +
                              std::string(role) + "\"}");
  }

  std::span<const OutputSample> outputs_;
  const Remap& remap_;
  DetectionRoles roles_;
};

}  // namespace

int64_t Extent(const infer::Shape& shape, size_t axis) {
  return axis < shape.size() ? shape[axis] : 1;
}

std::string DescribeOutputs(std::span<const OutputSample> outputs) {
  std::vector<std::string> parts;
  for (const OutputSample& output : outputs) {
    parts.push_back(output.info->name + " " + infer::ShapeText(output.shape) + " " +
                    std::string(infer::DTypeName(output.info->type)));
  }
  return parts.empty() ? "no outputs" : absl::StrJoin(parts, ", ");
}

absl::StatusOr<int> RemappedOutput(std::span<const OutputSample> outputs, const Remap& remap,
                                   const std::string& role) {
  for (const auto& [tensor, given] : remap) {
    if (given != role) continue;
    const int index = IndexOf(outputs, tensor);
    if (index >= 0) return index;
    return FailedPrecondition("remap_output_names gives '" + tensor + "' the role '" + role +
                              "', but the model's outputs are " + DescribeOutputs(outputs));
  }
  return -1;
}

absl::StatusOr<DetectionRoles> ResolveDetectionRoles(std::span<const OutputSample> outputs,
                                                     const Remap& remap) {
  Resolution resolution(outputs, remap);
  RETURN_IF_ERROR(resolution.FromConfiguration());
  resolution.FromLiteralNames();
  resolution.FromMetadata();
  resolution.FromShapes();
  return resolution.Finish();
}

absl::StatusOr<int> ResolveProbability(std::span<const OutputSample> outputs, const Remap& remap,
                                       int label_count) {
  ASSIGN_OR_RETURN(const int remapped, RemappedOutput(outputs, remap, "probability"));
  if (remapped >= 0) return remapped;
  const int literal = IndexOf(outputs, "probability");
  if (literal >= 0) return literal;
  if (outputs.size() == 1) return 0;
  int found = -1;
  int fitting = 0;
  for (size_t i = 0; label_count > 0 && i < outputs.size(); ++i) {
    if (!SaysProbability(outputs[i]) &&
        outputs[i].values.values().size() != static_cast<size_t>(label_count)) {
      continue;
    }
    if (!IsVector(outputs[i].shape)) continue;
    found = static_cast<int>(i);
    ++fitting;
  }
  if (fitting == 1) return found;
  return FailedPrecondition("no output fits the role 'probability' among " +
                            DescribeOutputs(outputs) +
                            "; name it with remap_output_names, as {\"<model's name>\": "
                            "\"probability\"}");
}

}  // namespace bowerbird::vision
