// SPDX-License-Identifier: Apache-2.0
//
// Single rows of any format as the 8-bit colours that models and encoders see. The one place where
// alpha, depth and gray become colours, so that decoders, scaling and encoding agree to the bit.
#pragma once

#include <cstdint>

#include "image/image.h"

namespace bowerbird::image {

// Reads rows of one picture. Keeps a pointer to it.
class RowReader {
 public:
  // Looks for the largest depth once if `image` is kDepth16.
  explicit RowReader(const Image& image);

  // width * 3 bytes: gray repeated, alpha multiplied in, the largest depth white.
  void Rgb(int y, uint8_t* out) const;

  // width bytes: BT.601 luma; gray and depth as in Rgb.
  void Gray(int y, uint8_t* out) const;

  // True when Gray gives all there is: the picture has no colours.
  bool colorless() const;

 private:
  uint8_t DepthToGray(uint16_t depth) const {
    return static_cast<uint8_t>((depth * 255u + max_depth_ / 2) / max_depth_);
  }

  const Image& image_;
  uint32_t max_depth_ = 1;
};

// Round(value * alpha / 255), exact for all 8-bit pairs.
constexpr uint8_t MultiplyAlpha(uint8_t value, uint8_t alpha) {
  const uint32_t product = static_cast<uint32_t>(value) * alpha + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);
}

}  // namespace bowerbird::image
