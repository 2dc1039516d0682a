// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/contents.h"

#include <cstring>
#include <utility>

#include "base/status.h"
#include "infer/remote/datatype.h"
#include "kserve/inference.pb.h"

namespace bowerbird::infer::remote {
namespace {

using google::protobuf::RepeatedField;
using inference::InferTensorContents;

// `T` as the tensor has it, `Field` as the message has it.
template <typename T, typename Field>
absl::StatusOr<std::string> Pack(const RepeatedField<Field>& field, DType type, int64_t count) {
  if (field.size() != count) {
    return InvalidArgument("the contents have " + std::to_string(field.size()) + " elements of " +
                           std::string(DatatypeName(type)) + ", the shape has " +
                           std::to_string(count));
  }
  std::string bytes(static_cast<size_t>(count) * sizeof(T), '\0');
  if constexpr (std::is_same_v<T, Field>) {
    if (count > 0) std::memcpy(bytes.data(), field.data(), bytes.size());
    return bytes;
  }
  for (int i = 0; i < field.size(); ++i) {
    const T value = static_cast<T>(field.Get(i));
    if (static_cast<Field>(value) != field.Get(i)) {
      return InvalidArgument("element " + std::to_string(i) + " of the contents is no " +
                             std::string(DatatypeName(type)));
    }
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

template <typename T, typename Field>
bool Unpack(std::string_view bytes, RepeatedField<Field>& field) {
  const size_t count = bytes.size() / sizeof(T);
  field.Resize(static_cast<int>(count), Field{});
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    field.Set(static_cast<int>(i), static_cast<Field>(value));
  }
  return true;
}

absl::Status TakeBytes(inference::ModelInferResponse& answer, int index, MessageTensor& tensor) {
  ASSIGN_OR_RETURN(const size_t size, TensorBytes(tensor.type, tensor.shape));
  if (answer.raw_output_contents_size() == 0) {
    const auto count = static_cast<int64_t>(size / DTypeSize(tensor.type));
    ASSIGN_OR_RETURN(tensor.bytes,
                     PackContents(answer.outputs(index).contents(), tensor.type, count));
    return absl::OkStatus();
  }
  std::string& raw = *answer.mutable_raw_output_contents(index);
  if (raw.size() != size) {
    return InvalidArgument(
        "it has " + std::to_string(raw.size()) + " bytes, but shape " + ShapeText(tensor.shape) +
        " of " + std::string(DatatypeName(tensor.type)) + " needs " + std::to_string(size));
  }
  tensor.bytes = std::move(raw);
  return absl::OkStatus();
}

absl::StatusOr<MessageTensor> TakeOutput(inference::ModelInferResponse& answer, int index) {
  auto& output = *answer.mutable_outputs(index);
  if (output.shape_size() > static_cast<int>(kMaxRank))
    return InvalidArgument("its shape has " + std::to_string(output.shape_size()) + " extents");
  MessageTensor tensor;
  tensor.name = output.name();
  tensor.binary = true;
  tensor.shape.assign(output.shape().begin(), output.shape().end());
  ASSIGN_OR_RETURN(tensor.type, DTypeFromDatatype(output.datatype()));
  RETURN_IF_ERROR(TakeBytes(answer, index, tensor));
  return tensor;
}

}  // namespace

absl::StatusOr<std::string> PackContents(const InferTensorContents& contents, DType type,
                                         int64_t count) {
  switch (type) {
    case DType::kBool:
      return Pack<bool>(contents.bool_contents(), type, count);
    case DType::kInt8:
      return Pack<int8_t>(contents.int_contents(), type, count);
    case DType::kInt16:
      return Pack<int16_t>(contents.int_contents(), type, count);
    case DType::kInt32:
      return Pack<int32_t>(contents.int_contents(), type, count);
    case DType::kInt64:
      return Pack<int64_t>(contents.int64_contents(), type, count);
    case DType::kUint8:
      return Pack<uint8_t>(contents.uint_contents(), type, count);
    case DType::kUint16:
      return Pack<uint16_t>(contents.uint_contents(), type, count);
    case DType::kUint32:
      return Pack<uint32_t>(contents.uint_contents(), type, count);
    case DType::kUint64:
      return Pack<uint64_t>(contents.uint64_contents(), type, count);
    case DType::kFloat32:
      return Pack<float>(contents.fp32_contents(), type, count);
    case DType::kFloat64:
      return Pack<double>(contents.fp64_contents(), type, count);
    default:
      return InvalidArgument("elements of datatype " + std::string(DatatypeName(type)) +
                             " go as raw contents only");
  }
}

bool UnpackContents(DType type, std::string_view bytes, InferTensorContents& contents) {
  switch (type) {
    case DType::kBool:
      return Unpack<uint8_t>(bytes, *contents.mutable_bool_contents());
    case DType::kInt8:
      return Unpack<int8_t>(bytes, *contents.mutable_int_contents());
    case DType::kInt16:
      return Unpack<int16_t>(bytes, *contents.mutable_int_contents());
    case DType::kInt32:
      return Unpack<int32_t>(bytes, *contents.mutable_int_contents());
    case DType::kInt64:
      return Unpack<int64_t>(bytes, *contents.mutable_int64_contents());
    case DType::kUint8:
      return Unpack<uint8_t>(bytes, *contents.mutable_uint_contents());
    case DType::kUint16:
      return Unpack<uint16_t>(bytes, *contents.mutable_uint_contents());
    case DType::kUint32:
      return Unpack<uint32_t>(bytes, *contents.mutable_uint_contents());
    case DType::kUint64:
      return Unpack<uint64_t>(bytes, *contents.mutable_uint64_contents());
    case DType::kFloat32:
      return Unpack<float>(bytes, *contents.mutable_fp32_contents());
    case DType::kFloat64:
      return Unpack<double>(bytes, *contents.mutable_fp64_contents());
    default:
      return false;
  }
}

absl::StatusOr<std::vector<MessageTensor>> TakeOutputs(inference::ModelInferResponse& answer) {
  const int count = answer.outputs_size();
  if (count > static_cast<int>(kMaxTensors))
    return InvalidArgument("the answer has " + std::to_string(count) + " outputs");
  const int raw = answer.raw_output_contents_size();
  if (raw != 0 && raw != count) {
    return InvalidArgument("the answer has " + std::to_string(count) + " outputs, but " +
                           std::to_string(raw) + " raw contents");
  }
  std::vector<MessageTensor> outputs;
  for (int i = 0; i < count; ++i) {
    auto output = TakeOutput(answer, i);
    if (!output.ok())
      return Annotate(output.status(), "output \"" + Shown(answer.outputs(i).name()) + "\"");
    outputs.push_back(*std::move(output));
  }
  return outputs;
}

}  // namespace bowerbird::infer::remote
