// SPDX-License-Identifier: Apache-2.0
//
// The part of transform.h that knows what depth means.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/codec.h"
#include "image/transform.h"

namespace bowerbird::image {
namespace {

absl::Status NeedDepth(const Image& image) {
  if (!image.empty() && image.format() == PixelFormat::kDepth16) return absl::OkStatus();
  return InvalidArgument("a depth picture is needed, this one holds colours");
}

// Red over green to violet for 0..1, fully saturated.
std::array<uint8_t, 3> Rainbow(double position) {
  const double hue = position * 4.6;  // of 6: past blue, before red comes again
  const auto channel = [hue](double center) {
    double distance = std::abs(hue - center);
    distance = std::min(distance, 6 - distance);
    return static_cast<uint8_t>(std::lround(255 * std::clamp(2 - distance, 0.0, 1.0)));
  };
  return {channel(0), channel(2), channel(4)};
}

// Average of the known pixels around a hole, weighted by nearness.
class Average {
 public:
  void Add(int distance, uint16_t depth) {
    sum_ += static_cast<double>(depth) / distance;
    weights_ += 1.0 / distance;
  }
  uint16_t Result() const { return static_cast<uint16_t>(std::lround(sum_ / weights_)); }

 private:
  double sum_ = 0, weights_ = 0;
};

constexpr int kNone = -1;

// For every pixel the row of the first known depth below it or at it.
std::vector<int> KnownBelow(const Image& depth) {
  const auto width = static_cast<size_t>(depth.width());
  std::vector<int> below(width * static_cast<size_t>(depth.height()), kNone);
  for (int y = depth.height() - 1; y >= 0; --y) {
    int* row = &below[width * static_cast<size_t>(y)];
    const bool last = y == depth.height() - 1;
    for (size_t x = 0; x < width; ++x) {
      row[x] = depth.depth_row(y)[x] != 0 ? y : last ? kNone : row[x + width];
    }
  }
  return below;
}

// For every pixel of a row the column of the first known depth to its right or at it.
void KnownRight(const uint16_t* row, std::vector<int>& right) {
  int known = kNone;
  for (int x = static_cast<int>(right.size()) - 1; x >= 0; --x) {
    if (row[x] != 0) known = x;
    right[static_cast<size_t>(x)] = known;
  }
}

// Fills holes that have known depth to the left, right, top and bottom.
Image FillHoles(const Image& depth) {
  Image out = depth.Clone();
  const auto width = static_cast<size_t>(depth.width());
  const std::vector<int> below = KnownBelow(depth);
  std::vector<int> above(width, kNone), right(width);
  for (int y = 0; y < depth.height(); ++y) {
    const uint16_t* row = depth.depth_row(y);
    KnownRight(row, right);
    int left = kNone;
    for (int x = 0; x < depth.width(); ++x) {
      const auto column = static_cast<size_t>(x);
      if (row[x] != 0) {
        left = x;
        above[column] = y;
        continue;
      }
      const int bottom = below[width * static_cast<size_t>(y) + column];
      if (left == kNone || right[column] == kNone || above[column] == kNone || bottom == kNone) {
        continue;
      }
      Average average;
      average.Add(x - left, row[left]);
      average.Add(right[column] - x, row[right[column]]);
      average.Add(y - above[column], depth.depth_row(above[column])[x]);
      average.Add(bottom - y, depth.depth_row(bottom)[x]);
      out.depth_row(y)[x] = average.Result();
    }
  }
  return out;
}

// The middle of the known values in the 3x3 neighbourhood: noise goes, steps stay.
uint16_t Median(const Image& depth, int x, int y) {
  std::array<uint16_t, 9> known{};
  size_t count = 0;
  for (int v = std::max(y - 1, 0); v <= std::min(y + 1, depth.height() - 1); ++v) {
    for (int u = std::max(x - 1, 0); u <= std::min(x + 1, depth.width() - 1); ++u) {
      const uint16_t value = depth.depth_row(v)[u];
      if (value != 0) known[count++] = value;
    }
  }
  const auto middle = known.begin() + static_cast<ptrdiff_t>(count / 2);
  std::nth_element(known.begin(), middle, known.begin() + static_cast<ptrdiff_t>(count));
  return *middle;
}

}  // namespace

absl::StatusOr<Image> DepthToPretty(const Image& depth) {
  RETURN_IF_ERROR(NeedDepth(depth));
  uint16_t nearest = std::numeric_limits<uint16_t>::max(), farthest = 0;
  for (int y = 0; y < depth.height(); ++y) {
    for (int x = 0; x < depth.width(); ++x) {
      const uint16_t value = depth.depth_row(y)[x];
      if (value == 0) continue;
      nearest = std::min(nearest, value);
      farthest = std::max(farthest, value);
    }
  }
  const double range = farthest > nearest ? farthest - nearest : 1;
  Image out(depth.width(), depth.height(), PixelFormat::kRgb8);
  for (int y = 0; y < depth.height(); ++y) {
    const uint16_t* row = depth.depth_row(y);
    uint8_t* pixel = out.row(y);
    for (int x = 0; x < depth.width(); ++x, pixel += 3) {
      const auto color =
          row[x] == 0 ? std::array<uint8_t, 3>{} : Rainbow((row[x] - nearest) / range);
      std::copy(color.begin(), color.end(), pixel);
    }
  }
  return out;
}

absl::StatusOr<Image> PreprocessDepth(const Image& depth) {
  RETURN_IF_ERROR(NeedDepth(depth));
  const Image filled = FillHoles(depth);
  Image out(depth.width(), depth.height(), PixelFormat::kDepth16);
  for (int y = 0; y < depth.height(); ++y) {
    const uint16_t* row = filled.depth_row(y);
    uint16_t* target = out.depth_row(y);
    for (int x = 0; x < depth.width(); ++x) target[x] = row[x] == 0 ? 0 : Median(filled, x, y);
  }
  return out;
}

absl::StatusOr<Image> OverlayDepth(const Image& color, const Image& depth) {
  RETURN_IF_ERROR(NeedDepth(depth));
  if (color.empty() || color.size() != depth.size()) {
    return InvalidArgument(absl::StrCat("colours of ", color.width(), "x", color.height(),
                                        " and depth of ", depth.width(), "x", depth.height(),
                                        " cannot be laid over each other: the sizes must agree"));
  }
  ASSIGN_OR_RETURN(const Image pretty, DepthToPretty(depth));
  Image out = ToRgb(color);
  for (int y = 0; y < out.height(); ++y) {
    const uint16_t* known = depth.depth_row(y);
    const uint8_t* over = pretty.row(y);
    uint8_t* pixel = out.row(y);
    for (int x = 0; x < out.width(); ++x, pixel += 3, over += 3) {
      if (known[x] == 0) continue;
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>((pixel[c] + over[c]) / 2);
    }
  }
  return out;
}

}  // namespace bowerbird::image
