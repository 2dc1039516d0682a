// SPDX-License-Identifier: Apache-2.0
//
// Plots as SVG for a page. Internal to this room.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bowerbird::evaluate {

// For HTML and SVG, in text and in quoted attributes.
std::string Escaped(std::string_view text);

struct PlotLine {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x, y
};

struct PlotAxes {
  std::string x, y;             // what they show
  double x_max = 1, y_max = 1;  // both begin at 0
  bool diagonal = false;        // a dashed line from corner to corner
};

// At most eight lines have a colour of their own.
std::string LinePlot(const PlotAxes& axes, const std::vector<PlotLine>& lines);

}  // namespace bowerbird::evaluate
