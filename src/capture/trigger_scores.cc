// SPDX-License-Identifier: Apache-2.0
#include "capture/trigger_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "base/status.h"
#include "image/codec.h"
#include "image/resize.h"

namespace bowerbird::capture {
namespace {

constexpr image::Size kThumbnail{64, 48};
constexpr image::Size kDescriptor{16, 12};
constexpr int kColorBins = 4;  // of each channel
constexpr int kChangedBy = 26;
constexpr double kSamePlace = 0.5;  // IoU

double Area(const vision::Detection& box) {
  return double{1} * (box.x_max - box.x_min) * (box.y_max - box.y_min);
}

double Iou(const vision::Detection& a, const vision::Detection& b) {
  const double width = std::min(a.x_max, b.x_max) - std::max(a.x_min, b.x_min);
  const double height = std::min(a.y_max, b.y_max) - std::max(a.y_min, b.y_min);
  if (width <= 0 || height <= 0) return 0;
  return width * height / (Area(a) + Area(b) - width * height);
}

// The best and the second best; 0 where there is none.
std::pair<double, double> BestTwo(const std::vector<vision::Classification>& classes) {
  double best = 0, second = 0;
  for (const auto& one : classes) {
    if (one.confidence > best)
      second = std::exchange(best, one.confidence);
    else
      second = std::max(second, one.confidence);
  }
  return {best, second};
}

std::map<std::string, double> Shares(const std::vector<vision::Classification>& classes) {
  std::map<std::string, double> shares;
  double sum = 0;
  for (const auto& one : classes) {
    shares[one.label] += one.confidence;
    sum += one.confidence;
  }
  if (sum > 0)
    for (auto& [label, share] : shares) share /= sum;
  return shares;
}

double ClassDisagreement(const Findings& a, const Findings& b) {
  if (a.classifications.empty() || b.classifications.empty()) return 0;
  const auto of_a = Shares(a.classifications);
  const auto of_b = Shares(b.classifications);
  double common = 0;
  for (const auto& [label, share] : of_a) {
    const auto found = of_b.find(label);
    if (found != of_b.end()) common += std::min(share, found->second);
  }
  return std::clamp(1 - common, 0.0, 1.0);
}

double BoxDisagreement(const Findings& a, const Findings& b) {
  double all = 0, common = 0;
  for (const auto& one : a.detections) all += one.confidence;
  for (const auto& one : b.detections) all += one.confidence;
  if (all <= 0) return 0;
  std::vector<bool> taken(b.detections.size());
  for (const auto& one : a.detections) {
    for (size_t i = 0; i < b.detections.size(); ++i) {
      const auto& other = b.detections[i];
      if (taken[i] || one.label != other.label || Iou(one, other) < kSamePlace) continue;
      taken[i] = true;
      common += 2 * std::min(one.confidence, other.confidence);
      break;
    }
  }
  return std::clamp(1 - common / all, 0.0, 1.0);
}

absl::StatusOr<image::Image> SmallRgb(const image::Picture& picture, image::Size size) {
  ASSIGN_OR_RETURN(const auto decoded, picture.Decoded(size));
  return image::Resize(image::ToRgb(*decoded), size, image::Filter::kTriangle);
}

uint8_t Gray(const uint8_t* rgb) {
  return static_cast<uint8_t>((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8);
}

float Normalized(Feature& feature) {
  double sum = 0;
  for (const float value : feature) sum += double{value} * value;
  const auto length = static_cast<float>(std::sqrt(sum));
  if (length > 0 && std::isfinite(length))
    for (float& value : feature) value /= length;
  return length;
}

}  // namespace

double LeastConfidence(const Findings& findings) {
  double score = 0;
  if (!findings.classifications.empty()) score = 1 - BestTwo(findings.classifications).first;
  for (const auto& box : findings.detections)
    score = std::max(score, 1 - std::abs(2 * box.confidence - 1));
  return std::clamp(score, 0.0, 1.0);
}

double Margin(const Findings& findings) {
  double score = 0;
  if (findings.classifications.size() > 1) {
    const auto [best, second] = BestTwo(findings.classifications);
    score = 1 - (best - second);
  }
  for (const auto& a : findings.detections) {
    for (const auto& b : findings.detections) {
      if (a.label != b.label && Iou(a, b) >= kSamePlace)
        score = std::max(score, 1 - std::abs(a.confidence - b.confidence));
    }
  }
  return std::clamp(score, 0.0, 1.0);
}

double Disagreement(const Findings& a, const Findings& b) {
  return std::max(ClassDisagreement(a, b), BoxDisagreement(a, b));
}

absl::StatusOr<Thumbnail> MakeThumbnail(const image::Picture& picture) {
  ASSIGN_OR_RETURN(const image::Image small, SmallRgb(picture, kThumbnail));
  Thumbnail gray;
  gray.reserve(static_cast<size_t>(kThumbnail.width * kThumbnail.height));
  for (size_t i = 0; i + 2 < small.bytes().size(); i += 3)
    gray.push_back(Gray(small.bytes().data() + i));
  return gray;
}

double Motion(const Thumbnail& before, const Thumbnail& now) {
  if (before.size() != now.size() || now.empty()) return 0;
  size_t changed = 0;
  for (size_t i = 0; i < now.size(); ++i)
    if (std::abs(int{before[i]} - int{now[i]}) >= kChangedBy) ++changed;
  return static_cast<double>(changed) / static_cast<double>(now.size());
}

absl::StatusOr<Feature> Describe(const image::Picture& picture) {
  ASSIGN_OR_RETURN(const image::Image small, SmallRgb(picture, kDescriptor));
  Feature shape;
  std::array<float, kColorBins * kColorBins * kColorBins> colors{};
  double mean = 0;
  for (size_t i = 0; i + 2 < small.bytes().size(); i += 3) {
    const uint8_t* rgb = small.bytes().data() + i;
    shape.push_back(static_cast<float>(Gray(rgb)));
    mean += shape.back();
    const int step = 256 / kColorBins;
    ++colors[static_cast<size_t>((rgb[0] / step * kColorBins + rgb[1] / step) * kColorBins +
                                 rgb[2] / step)];
  }
  for (float& value : shape) value -= static_cast<float>(mean / static_cast<double>(shape.size()));
  // Shape and colour weigh the same; a picture of one colour has no shape.
  Normalized(shape);
  Feature share(colors.begin(), colors.end());
  Normalized(share);
  shape.insert(shape.end(), share.begin(), share.end());
  return shape;
}

double FeatureMemory::Novelty(const Feature& feature) const {
  Feature wanted = feature;
  Normalized(wanted);
  double nearest = 1;
  for (const Feature& known : features_) {
    if (known.size() != wanted.size()) continue;  // of a model that was exchanged
    double dot = 0;
    for (size_t i = 0; i < known.size(); ++i) dot += double{known[i]} * wanted[i];
    nearest = std::min(nearest, (1 - dot) / 2);
  }
  return std::clamp(nearest, 0.0, 1.0);
}

void FeatureMemory::Add(Feature feature) {
  Normalized(feature);
  features_.push_back(std::move(feature));
  if (features_.size() > kCapacity) features_.pop_front();
}

}  // namespace bowerbird::capture
