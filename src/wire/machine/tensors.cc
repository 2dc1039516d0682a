// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/tensors.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/utf8.h"
#include "infer/half.h"

namespace bowerbird::wire {
namespace {

using google::protobuf::RepeatedField;
using infer::DType;
using infer::TensorView;
using viam::service::mlmodel::v1::FlatTensor;
using viam::service::mlmodel::v1::FlatTensors;

template <typename T>
std::span<const std::byte> BytesOf(const RepeatedField<T>& elements) {
  return std::as_bytes(std::span(elements.data(), static_cast<size_t>(elements.size())));
}

std::span<const std::byte> BytesOf(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

// Signed and unsigned forms of one type may alias; extents beyond 2^63 show up as negative ones.
std::span<const int64_t> ShapeOf(const FlatTensor& tensor) {
  return {reinterpret_cast<const int64_t*>(tensor.shape().data()),
          static_cast<size_t>(tensor.shape_size())};
}

absl::Status Mismatch(std::span<const int64_t> shape, std::string_view type, int64_t wanted,
                      int64_t sent) {
  return InvalidArgument("shape " + infer::ShapeText({shape.begin(), shape.end()}) + " has " +
                         std::to_string(wanted) + " elements, but " + std::to_string(sent) +
                         " of " + std::string(type) + " were sent");
}

// The wire gives 16-bit elements 32-bit words. Some senders put one element into a word, others two
// (the first in the low half, the last word padded): the shape tells which, and where both fit, at
// one element, they agree.
template <typename Element>
absl::Status Unpack16(const RepeatedField<uint32_t>& words, std::span<const int64_t> shape,
                      int64_t count, std::vector<std::byte>& out) {
  const bool one_per_word = words.size() == count;
  if (!one_per_word && words.size() != count / 2 + count % 2)
    return Mismatch(shape, "16-bit words", count, words.size());
  out.resize(static_cast<size_t>(count) * sizeof(Element));
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t word = words.Get(static_cast<int>(one_per_word ? i : i / 2));
    const uint32_t half = one_per_word || i % 2 == 0 ? word & 0xFFFF : word >> 16;
    const auto element = static_cast<Element>(half);
    // Signed elements come sign-extended or not.
    if (one_per_word && word != half && word != static_cast<uint32_t>(element))
      return InvalidArgument("element " + std::to_string(i) + " is the word " +
                             std::to_string(word) + ", which does not fit into 16 bits");
    std::memcpy(out.data() + static_cast<size_t>(i) * sizeof(Element), &element, sizeof(Element));
  }
  return absl::OkStatus();
}

// Everything but 16-bit tensors; nullopt for those and for tensors without data.
std::optional<TensorView> ViewInPlace(const FlatTensor& tensor) {
  const auto shape = ShapeOf(tensor);
  switch (tensor.tensor_case()) {
    case FlatTensor::kInt8Tensor:
      return TensorView{DType::kInt8, shape, BytesOf(tensor.int8_tensor().data())};
    case FlatTensor::kUint8Tensor:
      return TensorView{DType::kUint8, shape, BytesOf(tensor.uint8_tensor().data())};
    case FlatTensor::kInt32Tensor:
      return TensorView{DType::kInt32, shape, BytesOf(tensor.int32_tensor().data())};
    case FlatTensor::kUint32Tensor:
      return TensorView{DType::kUint32, shape, BytesOf(tensor.uint32_tensor().data())};
    case FlatTensor::kInt64Tensor:
      return TensorView{DType::kInt64, shape, BytesOf(tensor.int64_tensor().data())};
    case FlatTensor::kUint64Tensor:
      return TensorView{DType::kUint64, shape, BytesOf(tensor.uint64_tensor().data())};
    case FlatTensor::kFloatTensor:
      return TensorView{DType::kFloat32, shape, BytesOf(tensor.float_tensor().data())};
    case FlatTensor::kDoubleTensor:
      return TensorView{DType::kFloat64, shape, BytesOf(tensor.double_tensor().data())};
    case FlatTensor::kInt16Tensor:
    case FlatTensor::kUint16Tensor:
    case FlatTensor::TENSOR_NOT_SET:
      break;
  }
  return std::nullopt;
}

absl::StatusOr<TensorView> ReadTensor(const FlatTensor& tensor,
                                      std::vector<std::vector<std::byte>>& unpacked) {
  const auto shape = ShapeOf(tensor);
  const auto count = infer::ElementCount({shape.begin(), shape.end()});
  if (!count.has_value())
    return InvalidArgument("shape " + infer::ShapeText({shape.begin(), shape.end()}) +
                           " is too large");
  if (auto view = ViewInPlace(tensor)) {
    const auto sent = static_cast<int64_t>(view->bytes.size() / infer::DTypeSize(view->type));
    if (sent != *count) return Mismatch(shape, infer::DTypeName(view->type), *count, sent);
    return *view;
  }
  if (tensor.tensor_case() == FlatTensor::TENSOR_NOT_SET)
    return InvalidArgument("there is no data: set one of int8_tensor to double_tensor");
  std::vector<std::byte> elements;
  const bool is_signed = tensor.tensor_case() == FlatTensor::kInt16Tensor;
  if (is_signed) {
    RETURN_IF_ERROR(Unpack16<int16_t>(tensor.int16_tensor().data(), shape, *count, elements));
  } else {
    RETURN_IF_ERROR(Unpack16<uint16_t>(tensor.uint16_tensor().data(), shape, *count, elements));
  }
  unpacked.push_back(std::move(elements));  // moves keep the elements where they are
  return TensorView{is_signed ? DType::kInt16 : DType::kUint16, shape, unpacked.back()};
}

template <typename T>
void Append(std::span<const T> elements, RepeatedField<T>& field) {
  field.Add(elements.data(), elements.data() + elements.size());
}

template <typename Element>
void Append16(std::span<const Element> elements, RepeatedField<uint32_t>& field) {
  field.Reserve(static_cast<int>(elements.size()));
  for (const Element element : elements) field.AddAlreadyReserved(static_cast<uint32_t>(element));
}

void AppendHalves(std::span<const uint16_t> elements, RepeatedField<float>& field) {
  field.Resize(static_cast<int>(elements.size()), 0);
  infer::FloatsFromHalves(elements, {field.mutable_data(), elements.size()});
}

absl::Status WriteElements(const TensorView& view, FlatTensor& out) {
  const auto* bytes = reinterpret_cast<const char*>(view.bytes.data());
  switch (view.type) {
    case DType::kInt8:
      out.mutable_int8_tensor()->set_data(bytes, view.bytes.size());
      return absl::OkStatus();
    case DType::kUint8:
    case DType::kBool:
      out.mutable_uint8_tensor()->set_data(bytes, view.bytes.size());
      return absl::OkStatus();
    case DType::kInt16:
      Append16(view.As<int16_t>(), *out.mutable_int16_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kUint16:
      Append16(view.As<uint16_t>(), *out.mutable_uint16_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kInt32:
      Append(view.As<int32_t>(), *out.mutable_int32_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kUint32:
      Append(view.As<uint32_t>(), *out.mutable_uint32_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kInt64:
      Append(view.As<int64_t>(), *out.mutable_int64_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kUint64:
      Append(view.As<uint64_t>(), *out.mutable_uint64_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kFloat32:
      Append(view.As<float>(), *out.mutable_float_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kFloat64:
      Append(view.As<double>(), *out.mutable_double_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kFloat16:
      AppendHalves(view.As<uint16_t>(), *out.mutable_float_tensor()->mutable_data());
      return absl::OkStatus();
    case DType::kString:
    case DType::kOther:
      break;
  }
  return Unimplemented("elements of type " + std::string(infer::DTypeName(view.type)) +
                       " have no form on the wire");
}

absl::Status WriteTensor(const TensorView& view, FlatTensor& out) {
  const auto count = infer::ElementCount({view.shape.begin(), view.shape.end()});
  const size_t size = infer::DTypeSize(view.type);
  // 2^31: protobuf counts elements with an int, and messages end far below that anyway.
  if (size != 0 && (!count.has_value() || *count > INT32_MAX ||
                    static_cast<size_t>(*count) * size != view.bytes.size()))
    return Internal("shape " + infer::ShapeText({view.shape.begin(), view.shape.end()}) + " of " +
                    std::string(infer::DTypeName(view.type)) + " does not match " +
                    std::to_string(view.bytes.size()) + " bytes");
  for (const int64_t extent : view.shape) out.add_shape(static_cast<uint64_t>(extent));
  return WriteElements(view, out);
}

}  // namespace

absl::StatusOr<ReceivedTensors> ReceivedTensors::Read(const FlatTensors& message) {
  ReceivedTensors received;
  for (const auto& [name, tensor] : message.tensors()) {
    auto view = ReadTensor(tensor, received.unpacked_);
    if (!view.ok()) return Annotate(view.status(), "tensor \"" + name + "\"");
    received.views_.emplace(name, *view);
  }
  return received;
}

absl::Status WriteTensors(const infer::NamedViews& tensors, FlatTensors& message) {
  message.Clear();
  for (const auto& [name, view] : tensors) {
    const auto status = WriteTensor(view, (*message.mutable_tensors())[Utf8(name)]);
    if (!status.ok()) return Annotate(status, "tensor \"" + name + "\"");
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::wire
