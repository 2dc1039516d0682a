// SPDX-License-Identifier: Apache-2.0
//
// What a dataset is made of: counts of pictures, labels and box sizes, and what a person should
// know before training on it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "annotation/values.h"

namespace bowerbird::annotation {

struct LabelStatistics {
  std::string label;
  uint64_t images = 0;  // with a box, a classification or a tag of this label; each counted once
  uint64_t boxes = 0;
};

struct Statistics {
  uint64_t images = 0;
  uint64_t unlabeled_images = 0;  // without box, classification and tag
  uint64_t boxes = 0;
  std::vector<LabelStatistics> labels;  // by name
  // By area in pixels as COCO counts them: below 32², below 96², the rest. Boxes of pictures whose
  // size is not known are in none of them.
  uint64_t small_boxes = 0, medium_boxes = 0, large_boxes = 0;
  // Images of the most frequent label over those of the least frequent one; 0 without labels.
  double imbalance = 0;
  // Sentences for people: too few pictures of a label, imbalance, too many without labels.
  std::vector<std::string> remarks;
};

// Gathers in memory proportional to the number of labels. Not thread-safe.
class StatisticsBuilder {
 public:
  void Add(const Annotations& annotations, std::span<const std::string> tags, int width,
           int height);
  void Add(const AnnotatedImage& image);
  Statistics Finish() const;

 private:
  Statistics counts_;
  std::map<std::string, LabelStatistics> labels_;
};

}  // namespace bowerbird::annotation
