// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/findings.h"

#include <algorithm>
#include <climits>
#include <cstdint>

#include "base/utf8.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::service::vision::v1;

int ToInt(int64_t pixels) {
  return static_cast<int>(std::clamp<int64_t>(pixels, INT_MIN, INT_MAX));
}

// The comparisons are false for NaN.
double ToConfidence(double value) { return value > 0 ? std::min(value, 1.0) : 0.0; }

}  // namespace

void WriteDetection(const vision::Detection& detection, image::Size size,
                    proto::Detection& message) {
  message.set_class_name(Utf8(detection.label));
  message.set_confidence(detection.confidence);
  message.set_x_min(detection.x_min);
  message.set_y_min(detection.y_min);
  message.set_x_max(detection.x_max);
  message.set_y_max(detection.y_max);
  if (size.width <= 0 || size.height <= 0) return;
  const vision::NormalizedBox box = vision::Normalize(detection, size);
  message.set_x_min_normalized(box.x_min);
  message.set_y_min_normalized(box.y_min);
  message.set_x_max_normalized(box.x_max);
  message.set_y_max_normalized(box.y_max);
}

std::optional<vision::Detection> ReadDetection(const proto::Detection& message) {
  if (!message.has_x_min() || !message.has_y_min() || !message.has_x_max() || !message.has_y_max())
    return std::nullopt;
  vision::Detection detection;
  detection.label = message.class_name();
  detection.confidence = ToConfidence(message.confidence());
  detection.x_min = ToInt(std::min(message.x_min(), message.x_max()));
  detection.x_max = ToInt(std::max(message.x_min(), message.x_max()));
  detection.y_min = ToInt(std::min(message.y_min(), message.y_max()));
  detection.y_max = ToInt(std::max(message.y_min(), message.y_max()));
  return detection;
}

void WriteClassification(const vision::Classification& classification,
                         proto::Classification& message) {
  message.set_class_name(Utf8(classification.label));
  message.set_confidence(classification.confidence);
}

vision::Classification ReadClassification(const proto::Classification& message) {
  vision::Classification classification;
  classification.label = message.class_name();
  classification.confidence = ToConfidence(message.confidence());
  return classification;
}

void AddAnnotation(std::string_view label, std::optional<double> confidence,
                   const std::optional<vision::NormalizedBox>& box,
                   viam::app::data::v1::Annotations& message) {
  if (!box.has_value()) {
    auto& classification = *message.add_classifications();
    classification.set_label(Utf8(label));
    if (confidence.has_value()) classification.set_confidence(*confidence);
    return;
  }
  auto& out = *message.add_bboxes();
  out.set_label(Utf8(label));
  out.set_x_min_normalized(box->x_min);
  out.set_y_min_normalized(box->y_min);
  out.set_x_max_normalized(box->x_max);
  out.set_y_max_normalized(box->y_max);
  if (confidence.has_value()) out.set_confidence(*confidence);
}

}  // namespace bowerbird::wire
