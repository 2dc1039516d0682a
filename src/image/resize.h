// SPDX-License-Identifier: Apache-2.0
//
// Scaling pictures to what a model wants, and the way back from model coordinates to the picture.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "image/image.h"

namespace bowerbird::image {

enum class Filter {
  kTriangle,  // antialiased: support grows with the reduction (the reference machine's, PIL's
              // BILINEAR)
  kBilinear,  // 2x2 taps at half-pixel centres, no antialiasing (OpenCV's INTER_LINEAR)
  kNearest,
};

enum class Fit {
  kStretch,           // width and height scaled apart
  kLetterbox,         // aspect ratio kept, centred, the rest filled
  kLetterboxTopLeft,  // aspect ratio kept, at the top left, the rest filled
};

// Where the picture lies inside the model's input: model = picture * scale + offset, per axis.
struct Placement {
  double scale_x = 1, scale_y = 1;
  double offset_x = 0, offset_y = 0;
  Size inner;  // size of the scaled picture in input pixels

  // Input pixels to picture pixels: the exact inverse, not clamped.
  std::array<double, 2> ToPicture(double x, double y) const {
    return {(x - offset_x) / scale_x, (y - offset_y) / scale_y};
  }
};

// The placement of a picture of size `from` (as a person sees it) in an input of size `to`.
Placement Place(Size from, Size to, Fit fit);

// Gray8, Rgb8 or Rgba8 (same format out), any size up or down. Separable, 8 bits in and out.
Image Resize(const Image& image, Size to, Filter filter);

// How pixels become tensor values: value = (channel / divisor - mean[c]) / std[c] for float
// tensors, c = position in the tensor. uint8 tensors take the channel itself; int8 tensors the
// channel - 128.
struct TensorLayout {
  enum class Type { kUint8, kInt8, kFloat32 };
  Type type = Type::kUint8;
  Size size;
  int channels = 3;             // 3, or 1 (luma, BT.601)
  bool channels_first = false;  // NCHW instead of NHWC
  bool bgr = false;
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f};
  std::array<float, 3> std{0.5f, 0.5f, 0.5f};
  float divisor = 255;
};

struct FillOptions {
  Filter filter = Filter::kTriangle;
  Fit fit = Fit::kStretch;
  uint8_t padding = 114;  // letterbox fill, before normalisation
};

// Scales `image` (any format; see ToRgb) straight into tensor memory: exactly
// width*height*channels*sizeof(type) bytes, aligned for the type. One pass, no full-size temporary.
// `full_size` is the size of the picture as a person sees it, which the returned placement refers
// to: `image` itself may have been decoded at a smaller scale.
absl::StatusOr<Placement> FillTensor(const Image& image, Size full_size, const TensorLayout& layout,
                                     const FillOptions& options, std::span<std::byte> tensor);

}  // namespace bowerbird::image
