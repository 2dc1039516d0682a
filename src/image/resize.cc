// SPDX-License-Identifier: Apache-2.0
#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "image/pixels.h"
#include "image/scaler.h"

namespace bowerbird::image {
namespace {

int ScaledSide(int side, double scale, int most) {
  return std::clamp(static_cast<int>(std::lround(side * scale)), 1, most);
}

// Colours under transparency must not bleed into what is visible: filter them multiplied, divide
// afterwards.
void Multiply(const uint8_t* rgba, int width, uint8_t* out) {
  for (int x = 0; x < width; ++x, rgba += 4, out += 4) {
    for (int c = 0; c < 3; ++c) out[c] = MultiplyAlpha(rgba[c], rgba[3]);
    out[3] = rgba[3];
  }
}

void Divide(const uint8_t* rgba, int width, uint8_t* out) {
  for (int x = 0; x < width; ++x, rgba += 4, out += 4) {
    const int alpha = rgba[3];
    for (int c = 0; c < 3; ++c) {
      out[c] = alpha == 0
                   ? uint8_t{0}
                   : static_cast<uint8_t>(std::min(255, (rgba[c] * 255 + alpha / 2) / alpha));
    }
    out[3] = rgba[3];
  }
}

// Rows as they are, whatever their pixels mean.
void ScalePlain(const Image& image, Filter filter, Image& out) {
  Scaler scaler(image.size(), out.size(), filter, BytesPerPixel(image.format()));
  scaler.Run([&](int y, uint8_t*) { return image.row(y); },
             [&](int y, const uint8_t* row) { std::memcpy(out.row(y), row, out.stride()); });
}

void ScaleRgba(const Image& image, Filter filter, Image& out) {
  Scaler scaler(image.size(), out.size(), filter, 4);
  scaler.Run(
      [&](int y, uint8_t* scratch) -> const uint8_t* {
        Multiply(image.row(y), image.width(), scratch);
        return scratch;
      },
      [&](int y, const uint8_t* row) { Divide(row, out.width(), out.row(y)); });
}

}  // namespace

Placement Place(Size from, Size to, Fit fit) {
  Placement place;
  if (fit == Fit::kStretch) {
    place.inner = to;
  } else {
    const double scale = std::min(static_cast<double>(to.width) / from.width,
                                  static_cast<double>(to.height) / from.height);
    place.inner = {ScaledSide(from.width, scale, to.width),
                   ScaledSide(from.height, scale, to.height)};
  }
  if (fit == Fit::kLetterbox) {
    // Whole pixels, so that the picture is not shifted against its own grid.
    const int left = (to.width - place.inner.width) / 2;
    const int top = (to.height - place.inner.height) / 2;
    place.offset_x = left;
    place.offset_y = top;
  }
  place.scale_x = static_cast<double>(place.inner.width) / from.width;
  place.scale_y = static_cast<double>(place.inner.height) / from.height;
  return place;
}

Image Resize(const Image& image, Size to, Filter filter) {
  if (image.empty() || image.size() == to) return image.Clone();
  Image out(to.width, to.height, image.format());
  if (image.format() == PixelFormat::kDepth16) {
    ScalePlain(image, Filter::kNearest, out);
  } else if (image.format() == PixelFormat::kRgba8 && filter != Filter::kNearest) {
    ScaleRgba(image, filter, out);
  } else {
    ScalePlain(image, filter, out);
  }
  return out;
}

}  // namespace bowerbird::image
