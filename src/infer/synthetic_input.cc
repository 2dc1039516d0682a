// SPDX-License-Identifier: Apache-2.0
#include "infer/synthetic_input.h"

#include <algorithm>
#include <cstdint>

namespace bowerbird::infer {
namespace {

// A row-major picture of `width` columns and `channels` channels.
struct Picture {
  size_t width;
  size_t channels;
  size_t variant;

  // In [0, 1].
  double At(size_t index) const {
    const size_t channel = index % channels;
    const size_t x = (index / channels) % width + variant * 29;
    const size_t y = index / channels / width + variant * 17;
    const size_t slope =
        x * (8 - variant % 5) + y * (5 + variant % 3) + channel * (40 + variant * 31);
    const double gradient = static_cast<double>(slope % 512) / 511.0;
    const bool in_block = (x / (48 - variant % 4 * 9) + y / (64 - variant % 6 * 8)) % 3 == 0;
    return in_block ? 1.0 - gradient : gradient;
  }
};

template <typename T, typename Convert>
void Fill(std::span<std::byte> bytes, const Picture& picture, Convert convert) {
  const auto values = std::span(reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<T>(convert(picture.At(i)));
  }
}

}  // namespace

void FillWithPattern(DType type, std::span<const int64_t> shape, std::span<std::byte> bytes,
                     size_t variant) {
  const bool is_picture = shape.size() == 4 && shape[3] >= 1 && shape[3] <= 4;
  const auto channels = static_cast<size_t>(is_picture ? shape[3] : 1);
  const int64_t last = shape.empty() ? 1 : shape[shape.size() - (is_picture ? 2 : 1)];
  const Picture picture{static_cast<size_t>(std::max<int64_t>(1, last)), channels, variant};
  const auto signed_byte = [](double v) { return v * 255 - 128; };
  const auto byte = [](double v) { return v * 255; };
  const auto small = [](double v) { return v * 100; };
  const auto fraction = [](double v) { return v * 2 - 1; };
  switch (type) {
    case DType::kInt8:
      return Fill<int8_t>(bytes, picture, signed_byte);
    case DType::kUint8:
      return Fill<uint8_t>(bytes, picture, byte);
    case DType::kBool:
      return Fill<uint8_t>(bytes, picture, [](double v) { return v > 0.5 ? 1 : 0; });
    case DType::kInt16:
      return Fill<int16_t>(bytes, picture, small);
    case DType::kUint16:
      return Fill<uint16_t>(bytes, picture, small);
    case DType::kInt32:
      return Fill<int32_t>(bytes, picture, small);
    case DType::kUint32:
      return Fill<uint32_t>(bytes, picture, small);
    case DType::kInt64:
      return Fill<int64_t>(bytes, picture, small);
    case DType::kUint64:
      return Fill<uint64_t>(bytes, picture, small);
    case DType::kFloat32:
      return Fill<float>(bytes, picture, fraction);
    case DType::kFloat64:
      return Fill<double>(bytes, picture, fraction);
    case DType::kFloat16:
    case DType::kString:
    case DType::kOther:
      std::ranges::fill(bytes, std::byte{0});
      return;
  }
}

}  // namespace bowerbird::infer
