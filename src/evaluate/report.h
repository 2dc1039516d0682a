// SPDX-License-Identifier: Apache-2.0
//
// What `bowerbird evaluate` and a training report say of a model: JSON with fixed keys, and a table
// for people.
#pragma once

#include <string>

#include "evaluate/classification.h"
#include "evaluate/detection_set.h"
#include "nlohmann/json.hpp"

namespace bowerbird::evaluate {

// Keys ap, ap50, ap75, ap_small, ap_medium, ap_large, ar1, ar10, ar100 (COCO), voc_ap50,
// voc_ap50_11_points, the same under per_class by label, there with suggested_threshold and
// best_f1; null where nothing counts.
nlohmann::ordered_json DetectionReport(const DetectionSet& set);

// Keys accuracy, macro_f1, ece; confusion, calibration; per_class by label.
nlohmann::ordered_json ClassifierReport(const ScoredPictures& scored,
                                        std::span<const uint32_t> truth);

// Keys exact_match, macro_f1, micro_f1, map; per_class by label.
nlohmann::ordered_json MultiLabelReport(const ScoredPictures& scored,
                                        std::span<const std::vector<uint32_t>> truth);

// Figures a line, then a row a class, then some of "mistakes" if the report has them.
std::string TextOfReport(const nlohmann::ordered_json& report);

}  // namespace bowerbird::evaluate
