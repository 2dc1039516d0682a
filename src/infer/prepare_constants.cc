// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare_constants.h"

#include <cstdint>
#include <cstring>
#include <span>

#include "base/status.h"
#include "infer/half.h"

namespace bowerbird::infer {
namespace {

using tflite::TensorType;

// The product of the extents from `begin` up to `end`.
size_t Extent(const std::vector<int32_t>& shape, size_t begin, size_t end) {
  size_t extent = 1;
  for (size_t i = begin; i < end; ++i) extent *= static_cast<size_t>(shape[i]);
  return extent;
}

template <typename Stored>
absl::StatusOr<std::vector<float>> Multiply(const tflite::Tensor& tensor,
                                            std::span<const std::byte> data) {
  const tflite::Quantization& q = tensor.quantization;
  const size_t count = data.size() / sizeof(Stored);
  const auto dimension = static_cast<size_t>(q.dimension);
  size_t channels = 1;
  size_t inner = count;
  if (q.scale.size() > 1) {
    if (dimension >= tensor.shape.size() ||
        static_cast<size_t>(tensor.shape[dimension]) != q.scale.size()) {
      return FailedPrecondition("the scales of tensor '" + tensor.name + "' do not fit its shape");
    }
    channels = q.scale.size();
    inner = Extent(tensor.shape, dimension + 1, tensor.shape.size());
  }
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t channel = inner == 0 ? 0 : (i / inner) % channels;
    Stored stored{};
    std::memcpy(&stored, data.data() + i * sizeof(Stored), sizeof(Stored));
    const int64_t zero = q.zero_point.empty()      ? 0
                         : q.zero_point.size() > 1 ? q.zero_point[channel]
                                                   : q.zero_point[0];
    values[i] = static_cast<float>(static_cast<double>(int64_t{stored} - zero) *
                                   static_cast<double>(q.scale[channel]));
  }
  return values;
}

std::vector<float> Widen(std::span<const std::byte> data) {
  std::vector<uint16_t> halves(data.size() / sizeof(uint16_t));
  if (!halves.empty()) std::memcpy(halves.data(), data.data(), halves.size() * sizeof(uint16_t));
  std::vector<float> values(halves.size());
  FloatsFromHalves(halves, values);
  return values;
}

absl::StatusOr<std::vector<float>> Values(const tflite::Tensor& tensor,
                                          std::span<const std::byte> data) {
  if (tensor.type == TensorType::kFloat16) return Widen(data);
  if (tensor.quantization.scale.empty())
    return FailedPrecondition("constant '" + tensor.name + "' has no scale");
  switch (tensor.type) {
    case TensorType::kUint8:
      return Multiply<uint8_t>(tensor, data);
    case TensorType::kInt8:
      return Multiply<int8_t>(tensor, data);
    case TensorType::kInt16:
      return Multiply<int16_t>(tensor, data);
    case TensorType::kInt32:
      return Multiply<int32_t>(tensor, data);
    default:
      return FailedPrecondition("constant '" + tensor.name + "' of type " +
                                tflite::TensorTypeName(tensor.type) + " has no float form");
  }
}

}  // namespace

absl::StatusOr<std::vector<std::byte>> FloatConstant(const tflite::Graph& graph,
                                                     const tflite::Tensor& tensor) {
  if (tensor.is_sparse() || tensor.is_external() || graph.buffers[tensor.buffer].is_external)
    return FailedPrecondition("constant '" + tensor.name + "' is not stored in full");
  ASSIGN_OR_RETURN(const std::vector<float> values,
                   Values(tensor, graph.buffers[tensor.buffer].data));
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace bowerbird::infer
