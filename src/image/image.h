// SPDX-License-Identifier: Apache-2.0
//
// A decoded picture: pixels in memory, rows from top to bottom, no padding between rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace bowerbird::image {

enum class PixelFormat {
  kGray8,    // 1 byte a pixel
  kRgb8,     // R, G, B
  kRgba8,    // R, G, B, A; A not multiplied into the colours
  kDepth16,  // one uint16_t in host order a pixel: millimetres, 0 = unknown
};

constexpr int BytesPerPixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::kGray8:
      return 1;
    case PixelFormat::kRgb8:
      return 3;
    case PixelFormat::kRgba8:
      return 4;
    case PixelFormat::kDepth16:
      return 2;
  }
  return 0;
}

struct Size {
  int width = 0;
  int height = 0;
  friend bool operator==(const Size&, const Size&) = default;
};

// Movable, not copyable by accident (Clone). Not synchronised: share it as const.
class Image {
 public:
  Image() = default;
  // Pixels are left uninitialised. width and height >= 1, and already checked against the caller's
  // limit.
  Image(int width, int height, PixelFormat format)
      : width_(width),
        height_(height),
        format_(format),
        bytes_(static_cast<size_t>(width) * static_cast<size_t>(height) *
               static_cast<size_t>(BytesPerPixel(format))),
        data_(new uint8_t[bytes_]) {}

  Image(Image&&) = default;
  Image& operator=(Image&&) = default;

  Image Clone() const;

  bool empty() const { return data_ == nullptr; }
  int width() const { return width_; }
  int height() const { return height_; }
  Size size() const { return {width_, height_}; }
  PixelFormat format() const { return format_; }
  size_t stride() const {
    return static_cast<size_t>(width_) * static_cast<size_t>(BytesPerPixel(format_));
  }

  std::span<uint8_t> bytes() { return {data_.get(), bytes_}; }
  std::span<const uint8_t> bytes() const { return {data_.get(), bytes_}; }
  uint8_t* row(int y) { return data_.get() + static_cast<size_t>(y) * stride(); }
  const uint8_t* row(int y) const { return data_.get() + static_cast<size_t>(y) * stride(); }
  // kDepth16 only.
  uint16_t* depth_row(int y) { return reinterpret_cast<uint16_t*>(row(y)); }
  const uint16_t* depth_row(int y) const { return reinterpret_cast<const uint16_t*>(row(y)); }

 private:
  int width_ = 0;
  int height_ = 0;
  PixelFormat format_ = PixelFormat::kRgb8;
  size_t bytes_ = 0;
  std::unique_ptr<uint8_t[]> data_;
};

}  // namespace bowerbird::image
