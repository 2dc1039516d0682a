// SPDX-License-Identifier: Apache-2.0
#include "annotation/annotation_hash.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace bowerbird::annotation {
namespace {

constexpr double kStepsPerPixel = 16;
constexpr double kStepsPerSide = 1048576;
constexpr double kConfidenceSteps = 1e6;

// First to 1/4096 of a step: a corner that lies halfway between two steps, as it stands in one
// file, comes out of another as a hair less. (llround rather than a cast of value + 0.5: compilers
// of some machines would fuse that into one operation with another rounding.)
std::string Steps(double fraction, double steps_of_side) {
  constexpr double kFine = 4096;
  return std::to_string(std::llround(std::round(fraction * steps_of_side * kFine) / kFine));
}

std::string Confidence(const std::optional<double>& confidence) {
  return confidence.has_value() ? Steps(*confidence, kConfidenceSteps) : "-";
}

std::string Counted(std::string_view label) {
  return std::to_string(label.size()) + ":" + std::string(label);
}

std::string LineOf(const Box& box, int width, int height) {
  const bool sized = width > 0 && height > 0;
  const double across = sized ? width * kStepsPerPixel : kStepsPerSide;
  const double down = sized ? height * kStepsPerPixel : kStepsPerSide;
  std::string line = sized ? "box " : "relative box ";
  line += Counted(box.label);
  for (const auto& [value, steps] : {std::pair(box.x_min, across), std::pair(box.y_min, down),
                                     std::pair(box.x_max, across), std::pair(box.y_max, down)}) {
    line += ' ';
    line += Steps(value, steps);
  }
  return line + " " + Confidence(box.confidence) + "\n";
}

}  // namespace

std::string CanonicalText(const Annotations& annotations, std::span<const std::string> tags,
                          int width, int height) {
  std::vector<std::string> lines;
  lines.reserve(tags.size() + annotations.boxes.size() + annotations.classifications.size());
  for (const std::string& tag : std::set<std::string>(tags.begin(), tags.end())) {
    lines.push_back("tag " + Counted(tag) + "\n");
  }
  for (const Classification& one : annotations.classifications) {
    lines.push_back("class " + Counted(one.label) + " " + Confidence(one.confidence) + "\n");
  }
  for (const Box& box : annotations.boxes) lines.push_back(LineOf(box, width, height));
  std::sort(lines.begin(), lines.end());
  std::string text = "bowerbird annotations 1\n";
  for (const std::string& line : lines) text += line;
  return text;
}

Sha256Digest AnnotationHash(const Annotations& annotations, std::span<const std::string> tags,
                            int width, int height) {
  Sha256 hash;
  hash.Update(CanonicalText(annotations, tags, width, height));
  return hash.Finish();
}

Sha256Digest AnnotationHash(const AnnotatedImage& image) {
  return AnnotationHash(image.annotations, image.tags, image.width, image.height);
}

}  // namespace bowerbird::annotation
