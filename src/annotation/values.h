// SPDX-License-Identifier: Apache-2.0
//
// What is said about a picture, as values: boxes, classifications, tags, the side of a split.
//
// Coordinates are fractions 0..1 of the picture as a person sees it (EXIF orientation applied),
// origin at the top left. Nothing here is checked on construction: CheckAnnotations is for whoever
// takes values in from outside.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace bowerbird::annotation {

struct Box {
  std::string id{};  // empty where nobody gave it one
  std::string label{};
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  std::optional<double> confidence{};  // 0..1; absent where a person drew it
  friend bool operator==(const Box&, const Box&) = default;
};

// A statement about the whole picture, mostly a model's. What a person says of the whole picture is
// a tag.
struct Classification {
  std::string id{};
  std::string label{};
  std::optional<double> confidence{};  // 0..1
  friend bool operator==(const Classification&, const Classification&) = default;
};

struct Annotations {
  std::vector<Box> boxes{};
  std::vector<Classification> classifications{};
  bool empty() const { return boxes.empty() && classifications.empty(); }
  friend bool operator==(const Annotations&, const Annotations&) = default;
};

enum class Split { kTraining, kValidation, kTest };

// "train", "validation", "test".
std::string_view NameOf(Split split);
// Also "training", "val", "valid", "dev", "testing", in any case; nullopt for anything else.
std::optional<Split> SplitOf(std::string_view name);

// One picture of a dataset.
struct AnnotatedImage {
  // Relative to the dataset's folder of pictures, forward slashes, no "." or ".."; or a content id.
  std::string path{};
  int width = 0, height = 0;  // as a person sees it; 0 where nobody knows
  Annotations annotations{};
  std::vector<std::string> tags{};
  std::optional<Split> split{};
  friend bool operator==(const AnnotatedImage&, const AnnotatedImage&) = default;
};

inline constexpr size_t kMaxLabelBytes = 200;

// Labels and tags are 1 to 200 bytes of UTF-8 without control characters. INVALID_ARGUMENT says
// which rule is broken and shows the label in printable form.
absl::Status CheckLabel(std::string_view label);

// Finite corners within 0..1, x_min < x_max, y_min < y_max, a finite confidence within 0..1, and a
// label that CheckLabel takes. INVALID_ARGUMENT names the first thing that is wrong.
absl::Status CheckBox(const Box& box);
absl::Status CheckClassification(const Classification& classification);
// All of them; the message begins with which one: "box 3: ...".
absl::Status CheckAnnotations(const Annotations& annotations, std::span<const std::string> tags);

// About `limit` bytes of it with everything that does not print as \xNN: for messages.
std::string Printable(std::string_view bytes, size_t limit = 80);

}  // namespace bowerbird::annotation
