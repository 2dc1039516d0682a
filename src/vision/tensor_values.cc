// SPDX-License-Identifier: Apache-2.0
#include "vision/tensor_values.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace bowerbird::vision {
namespace {

using infer::DType;

// IEEE 754 binary16. Debian's compilers have no portable type for it on every target.
float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t bits = exponent == 31 ? sign | 0x7f800000u | (fraction << 13)
                                       : sign | ((exponent + 112) << 23) | (fraction << 13);
  return std::bit_cast<float>(bits);
}

template <typename T>
void Convert(const infer::TensorView& tensor, const infer::Quantization& quantization,
             std::vector<float>& out) {
  const std::span<const T> stored = tensor.As<T>();
  out.resize(stored.size());
  if (quantization.scale != 0) {
    const double zero = static_cast<double>(quantization.zero_point);
    for (size_t i = 0; i < stored.size(); ++i) {
      out[i] = static_cast<float>((static_cast<double>(stored[i]) - zero) * quantization.scale);
    }
  } else {
    for (size_t i = 0; i < stored.size(); ++i) out[i] = static_cast<float>(stored[i]);
  }
}

void ConvertHalf(const infer::TensorView& tensor, std::vector<float>& out) {
  const std::span<const uint16_t> stored = tensor.As<uint16_t>();
  out.resize(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) out[i] = HalfToFloat(stored[i]);
}

}  // namespace

absl::StatusOr<TensorValues> TensorValues::Read(const infer::TensorView& tensor,
                                                const infer::Quantization& quantization) {
  const size_t size = infer::DTypeSize(tensor.type);
  if (size == 0) {
    return InvalidArgument("elements of type " + std::string(infer::DTypeName(tensor.type)) +
                           " are not numbers");
  }
  if (tensor.bytes.size() % size != 0) {
    return InvalidArgument(std::to_string(tensor.bytes.size()) + " bytes are no whole number of " +
                           std::string(infer::DTypeName(tensor.type)) + " elements");
  }
  if (tensor.type == DType::kFloat32) return Of(tensor.As<float>());
  TensorValues read;
  switch (tensor.type) {
    case DType::kInt8:
      Convert<int8_t>(tensor, quantization, read.owned_);
      break;
    case DType::kUint8:
    case DType::kBool:
      Convert<uint8_t>(tensor, quantization, read.owned_);
      break;
    case DType::kInt16:
      Convert<int16_t>(tensor, quantization, read.owned_);
      break;
    case DType::kUint16:
      Convert<uint16_t>(tensor, quantization, read.owned_);
      break;
    case DType::kInt32:
      Convert<int32_t>(tensor, quantization, read.owned_);
      break;
    case DType::kUint32:
      Convert<uint32_t>(tensor, quantization, read.owned_);
      break;
    case DType::kInt64:
      Convert<int64_t>(tensor, quantization, read.owned_);
      break;
    case DType::kUint64:
      Convert<uint64_t>(tensor, quantization, read.owned_);
      break;
    case DType::kFloat64:
      Convert<double>(tensor, quantization, read.owned_);
      break;
    case DType::kFloat16:
      ConvertHalf(tensor, read.owned_);
      break;
    default:
      return InvalidArgument("elements of type " + std::string(infer::DTypeName(tensor.type)) +
                             " are not numbers");
  }
  read.values_ = read.owned_;
  return read;
}

TensorValues TensorValues::Of(std::span<const float> values) {
  TensorValues borrowed;
  borrowed.values_ = values;
  return borrowed;
}

}  // namespace bowerbird::vision
