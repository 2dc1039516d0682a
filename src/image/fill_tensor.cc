// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/pixels.h"
#include "image/resize.h"
#include "image/scaler.h"

namespace bowerbird::image {
namespace {

size_t BytesOf(TensorLayout::Type type) { return type == TensorLayout::Type::kFloat32 ? 4 : 1; }

// A channel of the picture as the tensor wants it. In double and rounded once, so that the floats
// are those of the formula.
template <typename Value>
Value ValueOf(int level, size_t channel, const TensorLayout& layout) {
  if constexpr (std::is_same_v<Value, float>) {
    const double scaled = level / static_cast<double>(layout.divisor);
    return static_cast<float>((scaled - layout.mean[channel]) / layout.std[channel]);
  } else if constexpr (std::is_same_v<Value, int8_t>) {
    return static_cast<int8_t>(level - 128);
  } else {
    return static_cast<uint8_t>(level);
  }
}

// Puts rows of 8-bit pixels, gray or RGB, where the tensor has them.
template <typename Value>
class RowWriter {
 public:
  RowWriter(const TensorLayout& layout, const Placement& place, int source_channels,
            std::span<std::byte> tensor)
      : source_channels_(source_channels),
        channels_(layout.channels),
        width_(layout.size.width),
        inner_width_(place.inner.width),
        left_(static_cast<int>(place.offset_x)),
        top_(static_cast<int>(place.offset_y)),
        tensor_(reinterpret_cast<Value*>(tensor.data())) {
    const size_t pixels =
        static_cast<size_t>(layout.size.width) * static_cast<size_t>(layout.size.height);
    plane_ = layout.channels_first ? pixels : 1;
    step_ = layout.channels_first ? 1 : static_cast<size_t>(channels_);
    for (size_t c = 0; c < static_cast<size_t>(channels_); ++c) {
      const size_t position = layout.bgr ? 2 - c : c;
      source_of_[c] = source_channels == 1 ? 0 : position;
      for (int level = 0; level < 256; ++level) {
        values_[c][static_cast<size_t>(level)] = ValueOf<Value>(level, c, layout);
      }
    }
    copies_ = std::is_same_v<Value, uint8_t> && !layout.channels_first &&
              channels_ == source_channels && (channels_ == 1 || !layout.bgr);
  }

  void FillAll(size_t pixels, uint8_t level) {
    for (size_t c = 0; c < static_cast<size_t>(channels_); ++c) {
      Value* out = tensor_ + c * plane_;
      for (size_t i = 0; i < pixels; ++i) out[i * step_] = values_[c][level];
    }
  }

  void Write(int y, const uint8_t* row) {
    const size_t first =
        static_cast<size_t>(y + top_) * static_cast<size_t>(width_) + static_cast<size_t>(left_);
    const auto count = static_cast<size_t>(inner_width_);
    if (copies_) {
      std::memcpy(tensor_ + first * step_, row, count * step_);
      return;
    }
    for (size_t c = 0; c < static_cast<size_t>(channels_); ++c) {
      const Value* values = values_[c].data();
      const uint8_t* source = row + source_of_[c];
      Value* out = tensor_ + first * step_ + c * plane_;
      for (size_t x = 0; x < count; ++x) {
        *out = values[*source];
        out += step_;
        source += source_channels_;
      }
    }
  }

 private:
  const int source_channels_, channels_, width_, inner_width_, left_, top_;
  Value* const tensor_;
  size_t plane_ = 1, step_ = 1;  // from a channel and from a pixel to the next, in values
  bool copies_ = false;          // rows go in unchanged
  std::array<size_t, 3> source_of_{};
  std::array<std::array<Value, 256>, 3> values_;
};

template <typename Value>
void Fill(const Image& image, const TensorLayout& layout, const FillOptions& options,
          const Placement& place, std::span<std::byte> tensor) {
  const RowReader reader(image);
  const bool gray = layout.channels == 1 || reader.colorless();
  const bool direct = image.format() == (gray ? PixelFormat::kGray8 : PixelFormat::kRgb8);
  RowWriter<Value> writer(layout, place, gray ? 1 : 3, tensor);
  if (place.inner != layout.size) {
    writer.FillAll(static_cast<size_t>(layout.size.width) * static_cast<size_t>(layout.size.height),
                   options.padding);
  }
  Scaler scaler(image.size(), place.inner, options.filter, gray ? 1 : 3);
  scaler.Run(
      [&](int y, uint8_t* scratch) -> const uint8_t* {
        if (direct) return image.row(y);
        gray ? reader.Gray(y, scratch) : reader.Rgb(y, scratch);
        return scratch;
      },
      [&](int y, const uint8_t* row) { writer.Write(y, row); });
}

absl::Status Check(const Image& image, Size full_size, const TensorLayout& layout,
                   std::span<std::byte> tensor) {
  if (image.empty() || full_size.width < 1 || full_size.height < 1) {
    return InvalidArgument("cannot fill a tensor from an empty picture");
  }
  if (layout.size.width < 1 || layout.size.height < 1 ||
      (layout.channels != 1 && layout.channels != 3)) {
    return InvalidArgument(absl::StrCat("an input of ", layout.size.width, "x", layout.size.height,
                                        " with ", layout.channels,
                                        " channels cannot take a picture: 1 or 3 are needed"));
  }
  const size_t needed = static_cast<size_t>(layout.size.width) *
                        static_cast<size_t>(layout.size.height) *
                        static_cast<size_t>(layout.channels) * BytesOf(layout.type);
  if (tensor.size() != needed) {
    return InvalidArgument(absl::StrCat(
        "the input tensor has ", tensor.size(), " bytes, a picture of ", layout.size.width, "x",
        layout.size.height, "x", layout.channels, " fills ", needed));
  }
  if (layout.type != TensorLayout::Type::kFloat32) return absl::OkStatus();
  for (size_t c = 0; c < static_cast<size_t>(layout.channels); ++c) {
    if (layout.std[c] == 0 || layout.divisor == 0 || !std::isfinite(layout.mean[c])) {
      return InvalidArgument(absl::StrCat("normalisation of channel ", c, " by mean ",
                                          layout.mean[c], ", deviation ", layout.std[c],
                                          " and divisor ", layout.divisor, " is not possible"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Placement> FillTensor(const Image& image, Size full_size, const TensorLayout& layout,
                                     const FillOptions& options, std::span<std::byte> tensor) {
  RETURN_IF_ERROR(Check(image, full_size, layout, tensor));
  const Placement place = Place(full_size, layout.size, options.fit);
  switch (layout.type) {
    case TensorLayout::Type::kUint8:
      Fill<uint8_t>(image, layout, options, place, tensor);
      break;
    case TensorLayout::Type::kInt8:
      Fill<int8_t>(image, layout, options, place, tensor);
      break;
    case TensorLayout::Type::kFloat32:
      Fill<float>(image, layout, options, place, tensor);
      break;
  }
  return place;
}

}  // namespace bowerbird::image
