// SPDX-License-Identifier: Apache-2.0
#include "vision/overlay.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "image/draw.h"

namespace bowerbird::vision {
namespace {

// The reference machine's label for "nothing known", which is never drawn.
constexpr std::string_view kUnknownLabel = "VIAM_UNKNOWN";

int LetterHeight(const image::Image& image) {
  return std::clamp(std::max(image.width(), image.height()) / 60, 10, 64);
}

std::string Text(const std::string& label, double confidence) {
  char number[16];
  std::snprintf(number, sizeof number, " %.2f", confidence);
  return label + number;
}

}  // namespace

void DrawDetections(image::Image& image, std::span<const Detection> detections) {
  const int height = LetterHeight(image);
  for (const Detection& detection : detections) {
    if (detection.label == kUnknownLabel) continue;
    const image::Color color = image::ColorOfClass(std::max(detection.class_id, 0));
    image::DrawBox(image, {detection.x_min, detection.y_min, detection.x_max, detection.y_max},
                   color, std::max(height / 6, 2));
  }
  // Labels last: a box drawn later must not cross one.
  for (const Detection& detection : detections) {
    if (detection.label == kUnknownLabel) continue;
    image::DrawLabel(image, detection.x_min, detection.y_min,
                     Text(detection.label, detection.confidence),
                     image::ColorOfClass(std::max(detection.class_id, 0)), height);
  }
}

void DrawClassifications(image::Image& image, std::span<const Classification> classifications) {
  const int height = LetterHeight(image);
  int y = height / 2;
  for (const Classification& classification : classifications) {
    if (classification.label == kUnknownLabel) continue;
    if (y + height > image.height()) return;
    image::DrawLabel(image, height / 2, y, Text(classification.label, classification.confidence),
                     image::ColorOfClass(std::max(classification.class_id, 0)), height);
    y += height * 2;
  }
}

}  // namespace bowerbird::vision
