// SPDX-License-Identifier: Apache-2.0
//
// Names of a model's classes, and which confidence each of them needs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::vision {

// Immutable.
class LabelList {
 public:
  LabelList() = default;
  explicit LabelList(std::vector<std::string> labels) : labels_(std::move(labels)) {}

  bool empty() const { return labels_.empty(); }
  const std::vector<std::string>& names() const { return labels_; }
  int size() const { return static_cast<int>(labels_.size()); }
  const std::string& at(int number) const { return labels_[static_cast<size_t>(number)]; }

  // The name of class `number`, or the number itself in decimal when there is no list at all.
  // UNKNOWN "cannot access label number 7 from label file with 3 labels" beyond the list.
  absl::StatusOr<std::string> Name(int number) const;

  // Whether the first entry stands for "nothing" ("background", "???", ...), as label files of
  // models with a background class have it.
  bool starts_with_background() const;

 private:
  std::vector<std::string> labels_;
};

// The rule of `default_minimum_confidence` and `label_confidences`: the latter, if not empty,
// replaces the former and drops every label that it does not list (case ignored).
class ConfidenceRule {
 public:
  ConfidenceRule(double minimum, const std::map<std::string, double>& by_label);

  // No result below this passes, whatever its label.
  double lowest() const { return lowest_; }
  bool Passes(const std::string& label, double confidence) const;

 private:
  double minimum_;
  double lowest_;
  std::map<std::string, double> by_label_;  // lower case
};

}  // namespace bowerbird::vision
