// SPDX-License-Identifier: Apache-2.0
//
// A report as one page that needs nothing else: no script, no other file, no network.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/classification.h"
#include "evaluate/detection_set.h"
#include "nlohmann/json.hpp"

namespace bowerbird::evaluate {

// Precision over recall of one label, best score first; both 0..1.
struct LabelCurve {
  std::string label;
  std::vector<double> recall, precision;
};

std::vector<LabelCurve> CurvesOf(const ScoredPictures& scored,
                                 std::span<const std::vector<uint32_t>> truth);
// At an overlap of 0.5.
std::vector<LabelCurve> CurvesOf(const DetectionSet& set);

struct ShownPicture {
  std::string caption;
  std::string jpeg;  // its bytes
};

// What a page shows beside the report (report.h).
struct HtmlDetails {
  std::string title;
  std::vector<LabelCurve> curves{};
  std::vector<std::pair<double, double>> loss{};  // step, loss
  std::vector<ShownPicture> mistakes{};
};

// UTF-8. Parts that the report has nothing for are left out. Texts of the report are escaped:
// labels and paths may be anything.
std::string HtmlReport(const nlohmann::ordered_json& report, const HtmlDetails& details);

}  // namespace bowerbird::evaluate
