// SPDX-License-Identifier: Apache-2.0
#include "image/pixels.h"

#include <algorithm>
#include <cstring>

namespace bowerbird::image {
namespace {

// BT.601 in 16-bit fixed point; the weights add up to 65536, so white stays white.
inline uint8_t Luma(uint8_t r, uint8_t g, uint8_t b) {
  return static_cast<uint8_t>((r * 19595u + g * 38470u + b * 7471u + 32768u) >> 16);
}

void GrayToRgb(const uint8_t* gray, int width, uint8_t* rgb) {
  for (int x = 0; x < width; ++x, rgb += 3) rgb[0] = rgb[1] = rgb[2] = gray[x];
}

}  // namespace

RowReader::RowReader(const Image& image) : image_(image) {
  if (image.format() != PixelFormat::kDepth16) return;
  for (int y = 0; y < image.height(); ++y) {
    const uint16_t* row = image.depth_row(y);
    for (int x = 0; x < image.width(); ++x) max_depth_ = std::max<uint32_t>(max_depth_, row[x]);
  }
}

bool RowReader::colorless() const {
  return image_.format() == PixelFormat::kGray8 || image_.format() == PixelFormat::kDepth16;
}

void RowReader::Rgb(int y, uint8_t* out) const {
  const int width = image_.width();
  const uint8_t* row = image_.row(y);
  switch (image_.format()) {
    case PixelFormat::kRgb8:
      std::memcpy(out, row, image_.stride());
      return;
    case PixelFormat::kGray8:
      GrayToRgb(row, width, out);
      return;
    case PixelFormat::kRgba8:
      for (int x = 0; x < width; ++x, row += 4, out += 3) {
        out[0] = MultiplyAlpha(row[0], row[3]);
        out[1] = MultiplyAlpha(row[1], row[3]);
        out[2] = MultiplyAlpha(row[2], row[3]);
      }
      return;
    case PixelFormat::kDepth16: {
      const uint16_t* depth = image_.depth_row(y);
      for (int x = 0; x < width; ++x, out += 3) out[0] = out[1] = out[2] = DepthToGray(depth[x]);
      return;
    }
  }
}

void RowReader::Gray(int y, uint8_t* out) const {
  const int width = image_.width();
  const uint8_t* row = image_.row(y);
  switch (image_.format()) {
    case PixelFormat::kRgb8:
      for (int x = 0; x < width; ++x, row += 3) out[x] = Luma(row[0], row[1], row[2]);
      return;
    case PixelFormat::kGray8:
      std::memcpy(out, row, image_.stride());
      return;
    case PixelFormat::kRgba8:
      for (int x = 0; x < width; ++x, row += 4) {
        out[x] = MultiplyAlpha(Luma(row[0], row[1], row[2]), row[3]);
      }
      return;
    case PixelFormat::kDepth16: {
      const uint16_t* depth = image_.depth_row(y);
      for (int x = 0; x < width; ++x) out[x] = DepthToGray(depth[x]);
      return;
    }
  }
}

}  // namespace bowerbird::image
