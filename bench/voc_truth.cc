// SPDX-License-Identifier: Apache-2.0
#include "bench/voc_truth.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace bowerbird::bench {
namespace {

// Text between <tag> and </tag> from `from` on, and where it ends; npos when there is none.
size_t Element(const std::string& xml, const std::string& tag, size_t from, std::string& content) {
  const size_t start = xml.find("<" + tag + ">", from);
  if (start == std::string::npos) return start;
  const size_t inner = start + tag.size() + 2;
  const size_t end = xml.find("</" + tag + ">", inner);
  if (end == std::string::npos) return end;
  content = xml.substr(inner, end - inner);
  return end;
}

bool Number(const std::string& xml, const std::string& tag, double& value) {
  std::string content;
  if (Element(xml, tag, 0, content) == std::string::npos) return false;
  char* end = nullptr;
  value = std::strtod(content.c_str(), &end);
  return end != content.c_str();
}

// Corner pixels belong to the box, as in the VOC development kit.
double Overlap(const TruthBox& truth, const vision::Detection& found) {
  const double width =
      std::min(truth.x_max, found.x_max + 1.0) - std::max(truth.x_min, found.x_min + 1.0) + 1;
  const double height =
      std::min(truth.y_max, found.y_max + 1.0) - std::max(truth.y_min, found.y_min + 1.0) + 1;
  if (width <= 0 || height <= 0) return 0;
  const double shared = width * height;
  const double truth_area = (truth.x_max - truth.x_min + 1) * (truth.y_max - truth.y_min + 1);
  const double found_area = (found.x_max - found.x_min + 1.0) * (found.y_max - found.y_min + 1.0);
  return shared / (truth_area + found_area - shared);
}

}  // namespace

absl::StatusOr<std::vector<TruthBox>> ReadVocXml(const std::string& path) {
  std::ifstream file(path);
  if (!file) return ErrnoStatus(errno, "open " + path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string xml = text.str();
  std::vector<TruthBox> boxes;
  std::string object;
  for (size_t at = Element(xml, "object", 0, object); at != std::string::npos;
       at = Element(xml, "object", at, object)) {
    TruthBox box;
    if (Element(object, "name", 0, box.label) == std::string::npos ||
        !Number(object, "xmin", box.x_min) || !Number(object, "ymin", box.y_min) ||
        !Number(object, "xmax", box.x_max) || !Number(object, "ymax", box.y_max)) {
      return InvalidArgument(path + " holds an object without name or box");
    }
    boxes.push_back(std::move(box));
  }
  return boxes;
}

absl::StatusOr<std::map<std::string, std::string>> ReadLabelMap(const std::string& path) {
  std::ifstream file(path);
  if (!file) return ErrnoStatus(errno, "open " + path);
  std::map<std::string, std::string> map;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) return InvalidArgument(path + ": no tab in '" + line + "'");
    map[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return map;
}

void PrecisionRecall::AddPicture(const std::vector<TruthBox>& truth,
                                 const std::vector<vision::Detection>& detections) {
  const size_t picture = pictures_++;
  for (const TruthBox& box : truth) {
    auto& objects = classes_[box.label].objects;
    objects.resize(pictures_);
    ++objects[picture];
  }
  std::vector<vision::Detection> sorted = detections;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.confidence > b.confidence; });
  std::vector<Hit> hits(sorted.size());
  for (size_t threshold = 0; threshold < kIouThresholds; ++threshold) {
    const double least = 0.5 + 0.05 * static_cast<double>(threshold);
    std::vector<bool> taken(truth.size());
    for (size_t i = 0; i < sorted.size(); ++i) {
      size_t best = truth.size();
      double best_overlap = least;
      for (size_t j = 0; j < truth.size(); ++j) {
        if (taken[j] || truth[j].label != sorted[i].label) continue;
        const double overlap = Overlap(truth[j], sorted[i]);
        if (overlap < best_overlap) continue;
        best = j;
        best_overlap = overlap;
      }
      hits[i].correct[threshold] = best < truth.size();
      if (best < truth.size()) taken[best] = true;
    }
  }
  for (size_t i = 0; i < sorted.size(); ++i) {
    hits[i].score = sorted[i].confidence;
    hits[i].picture = picture;
    classes_[sorted[i].label].hits.push_back(hits[i]);
  }
}

void PrecisionRecall::Finish() {
  for (auto& entry : classes_) {
    entry.second.objects.resize(pictures_);
    std::stable_sort(entry.second.hits.begin(), entry.second.hits.end(),
                     [](const Hit& a, const Hit& b) { return a.score > b.score; });
  }
}

double PrecisionRecall::AveragePrecision(const OfClass& of_class, const std::vector<int>& weights,
                                         size_t threshold) const {
  double objects = 0;
  for (size_t i = 0; i < pictures_; ++i) objects += of_class.objects[i] * weights[i];
  if (objects == 0) return -1;
  std::vector<std::pair<double, double>> curve;  // recall, precision
  double correct = 0;
  double all = 0;
  for (const Hit& hit : of_class.hits) {
    const int weight = weights[hit.picture];
    if (weight == 0) continue;
    all += weight;
    if (hit.correct[threshold]) correct += weight;
    curve.push_back({correct / objects, correct / all});
  }
  double area = 0;
  double best = 0;
  for (size_t i = curve.size(); i-- > 0;) {
    best = std::max(best, curve[i].second);
    area += best * (curve[i].first - (i > 0 ? curve[i - 1].first : 0));
  }
  return area;
}

double PrecisionRecall::MeanAveragePrecision(const std::vector<int>& weights, int threshold) const {
  double sum = 0;
  int classes = 0;
  for (const auto& entry : classes_) {
    const double precision =
        AveragePrecision(entry.second, weights, static_cast<size_t>(threshold));
    if (precision < 0) continue;
    sum += precision;
    ++classes;
  }
  return classes == 0 ? 0 : sum / classes;
}

}  // namespace bowerbird::bench
