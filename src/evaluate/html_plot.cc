// SPDX-License-Identifier: Apache-2.0
#include "evaluate/html_plot.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace bowerbird::evaluate {
namespace {

constexpr double kLeft = 48, kTop = 12, kWidth = 380, kHeight = 240;
constexpr int kTicks = 5;
// More points are not seen at this size.
constexpr size_t kMostPoints = 800;
constexpr std::array<const char*, 8> kColors{"#1f5fbf", "#c2521f", "#2f8a57", "#8a3fa8",
                                             "#b3941d", "#1f93a8", "#b0346a", "#6b6b6b"};

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string Text(double x, double y, std::string_view anchor, std::string_view text) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\">" + Escaped(text) + "</text>";
}

std::string Grid(const PlotAxes& axes) {
  std::string svg;
  for (int i = 0; i <= kTicks; ++i) {
    const double share = static_cast<double>(i) / kTicks;
    const double x = kLeft + share * kWidth, y = kTop + kHeight - share * kHeight;
    svg += "<path class=\"grid\" d=\"M" + Number(x) + " " + Number(kTop) + "v" + Number(kHeight) +
           "M" + Number(kLeft) + " " + Number(y) + "h" + Number(kWidth) + "\"/>";
    svg += Text(x, kTop + kHeight + 15, "middle", Number(share * axes.x_max));
    svg += Text(kLeft - 6, y + 4, "end", Number(share * axes.y_max));
  }
  svg += Text(kLeft + kWidth / 2, kTop + kHeight + 32, "middle", axes.x);
  svg += Text(kLeft, kTop - 2, "start", axes.y);
  if (axes.diagonal)
    svg += "<path class=\"even\" d=\"M" + Number(kLeft) + " " + Number(kTop + kHeight) + "L" +
           Number(kLeft + kWidth) + " " + Number(kTop) + "\"/>";
  return svg;
}

std::string Path(const PlotAxes& axes, const PlotLine& line, const char* color) {
  std::string path;
  const size_t stride = std::max<size_t>(1, line.points.size() / kMostPoints);
  for (size_t i = 0; i < line.points.size(); i += stride) {
    const double x = std::clamp(line.points[i].first / axes.x_max, 0.0, 1.0);
    const double y = std::clamp(line.points[i].second / axes.y_max, 0.0, 1.0);
    path.append(path.empty() ? "M" : "L").append(Number(kLeft + x * kWidth)).append(" ");
    path.append(Number(kTop + kHeight - y * kHeight));
  }
  return "<path fill=\"none\" stroke-width=\"2\" stroke=\"" + std::string(color) + "\" d=\"" +
         path + "\"><title>" + Escaped(line.name) + "</title></path>";
}

}  // namespace

std::string Escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        // Other control characters are none in HTML.
        safe += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return safe;
}

std::string LinePlot(const PlotAxes& axes, const std::vector<PlotLine>& lines) {
  std::string svg = "<figure><svg viewBox=\"0 0 450 292\" role=\"img\">" + Grid(axes);
  std::string names;
  for (size_t i = 0; i < lines.size(); ++i) {
    const char* const color = kColors[std::min(i, kColors.size() - 1)];
    svg += Path(axes, lines[i], color);
    if (i < kColors.size() && !lines[i].name.empty())
      names += "<span><i style=\"background:" + std::string(color) + "\"></i>" +
               Escaped(lines[i].name) + "</span>";
  }
  svg += "</svg>";
  if (!names.empty()) svg += "<figcaption>" + names + "</figcaption>";
  return svg + "</figure>";
}

}  // namespace bowerbird::evaluate
