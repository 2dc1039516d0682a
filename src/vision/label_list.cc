// SPDX-License-Identifier: Apache-2.0
#include "vision/label_list.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/ascii.h"
#include "base/status.h"

namespace bowerbird::vision {

absl::StatusOr<std::string> LabelList::Name(int number) const {
  if (labels_.empty()) return std::to_string(number);
  if (number < 0 || number >= size()) {
    return Unknown("cannot access label number " + std::to_string(number) +
                   " from label file with " + std::to_string(size()) +
                   " labels: the label file does not belong to this model, or an output was taken "
                   "for the wrong thing (see remap_output_names)");
  }
  return at(number);
}

bool LabelList::starts_with_background() const {
  static constexpr std::array<std::string_view, 6> kNothing = {
      "???", "background", "__background__", "bg", "_background_", "unlabeled"};
  if (labels_.empty()) return false;
  const std::string first = absl::AsciiStrToLower(labels_.front());
  return std::find(kNothing.begin(), kNothing.end(), first) != kNothing.end();
}

ConfidenceRule::ConfidenceRule(double minimum, const std::map<std::string, double>& by_label)
    : minimum_(minimum), lowest_(minimum) {
  for (const auto& [label, confidence] : by_label) {
    by_label_[absl::AsciiStrToLower(label)] = confidence;
  }
  if (by_label_.empty()) return;
  lowest_ = by_label_.begin()->second;
  for (const auto& entry : by_label_) lowest_ = std::min(lowest_, entry.second);
}

bool ConfidenceRule::Passes(const std::string& label, double confidence) const {
  if (by_label_.empty()) return confidence >= minimum_;
  const auto found = by_label_.find(absl::AsciiStrToLower(label));
  return found != by_label_.end() && confidence >= found->second;
}

}  // namespace bowerbird::vision
