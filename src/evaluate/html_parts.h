// SPDX-License-Identifier: Apache-2.0
//
// What pages of reports are put together from. Internal to this room. Each gives HTML, "" where
// there is nothing to show; texts are escaped.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "evaluate/html_report.h"
#include "nlohmann/json.hpp"

namespace bowerbird::evaluate {

// A whole page around `body`, which is HTML.
std::string Page(const std::string& title, const std::string& body);
std::string Section(std::string_view title, const std::string& body);

// A value of a report as text: numbers with four digits.
std::string Shown(const nlohmann::ordered_json& value);
// Of a share from 0 to 1.
std::string Percent(const nlohmann::ordered_json& value);

// The figures that matter most, large.
std::string Figures(const nlohmann::ordered_json& report);
// Time and memory, large.
std::string Cost(const nlohmann::ordered_json& report);
// Rows that are objects, one column a key; `first` is the head of the first column.
std::string Table(const std::vector<std::pair<std::string, const nlohmann::ordered_json*>>& rows,
                  std::string_view first);
std::string PerClass(const nlohmann::ordered_json& report);
std::string Confusion(const nlohmann::ordered_json& report);
// The first entries of a list of the report.
std::string List(const nlohmann::ordered_json& report, const char* key);

// Side by side where there is room.
std::string Plots(const std::string& plots);
std::string CurvePlot(const std::vector<LabelCurve>& curves);
std::string CalibrationPlot(const nlohmann::ordered_json& report);

std::string Mistakes(const std::vector<ShownPicture>& pictures);

}  // namespace bowerbird::evaluate
