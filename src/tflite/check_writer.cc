// SPDX-License-Identifier: Apache-2.0
#include "tflite/check_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tflite/edit.h"

namespace bowerbird::tflite {
namespace {

constexpr int32_t kAdd = 0;
constexpr int32_t kReshape = 22;
constexpr int32_t kGather = 36;
constexpr int32_t kStridedSlice = 45;
constexpr int32_t kCast = 53;
constexpr int32_t kLess = 58;
constexpr int32_t kNeg = 59;
constexpr int32_t kGreater = 61;
constexpr int32_t kGreaterEqual = 62;
constexpr int32_t kEqual = 71;
constexpr int32_t kShape = 77;
constexpr int32_t kLogicalOr = 84;
constexpr int32_t kLogicalAnd = 86;

template <typename T>
std::vector<std::byte> BytesOf(const std::vector<int64_t>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(&bytes[i * sizeof(T)], &value, sizeof(T));
  }
  return bytes;
}

// Of two shapes that broadcast, or two signatures of the same ranks (-1 wins over 1).
std::vector<int32_t> Broadcast(std::vector<int32_t> a, std::vector<int32_t> b) {
  if (a.size() < b.size()) std::swap(a, b);
  for (size_t i = 0; i < b.size(); ++i) {
    int32_t& extent = a[a.size() - b.size() + i];
    if (extent == 1) extent = b[i];
  }
  return a;
}

const std::vector<int32_t>& SignatureOf(const Tensor& tensor) {
  return tensor.shape_signature.empty() ? tensor.shape : tensor.shape_signature;
}

}  // namespace

CheckWriter::CheckWriter(Graph& graph, size_t subgraph, std::string name)
    : graph_(graph), index_(subgraph), name_(std::move(name)) {}

int32_t CheckWriter::Numbers(const std::vector<int64_t>& values, TensorType type) {
  Tensor tensor;
  tensor.name = name_ + "/numbers";
  tensor.type = type;
  tensor.shape = {static_cast<int32_t>(values.size())};
  return AddConstant(
      graph_, index_, std::move(tensor),
      type == TensorType::kInt64 ? BytesOf<int64_t>(values) : BytesOf<int32_t>(values));
}

int32_t CheckWriter::Number(int64_t value, TensorType type) {
  const int32_t number = Numbers({value}, type);
  subgraph().tensors[static_cast<size_t>(number)].shape.clear();
  return number;
}

int32_t CheckWriter::Append(int32_t code, Table options, std::vector<int32_t> inputs,
                            TensorType type, std::vector<int32_t> shape,
                            std::vector<int32_t> signature) {
  Tensor tensor;
  tensor.name = name_ + "/check";
  tensor.type = type;
  tensor.shape = std::move(shape);
  if (signature != tensor.shape) tensor.shape_signature = std::move(signature);
  Operator op;
  op.code = FindOrAddOperatorCode(graph_, {.builtin = code});
  op.options = std::move(options);
  op.inputs = std::move(inputs);
  op.outputs = {AddTensor(subgraph(), std::move(tensor))};
  operators_.push_back(std::move(op));
  return operators_.back().outputs[0];
}

int32_t CheckWriter::Elementwise(int32_t code, std::string_view options, int32_t a, int32_t b,
                                 TensorType type) {
  return Append(code, Table(options), {a, b}, type, Broadcast(At(a).shape, At(b).shape),
                Broadcast(SignatureOf(At(a)), SignatureOf(At(b))));
}

int32_t CheckWriter::ShapeOf(int32_t tensor) {
  const auto rank = static_cast<int32_t>(At(tensor).shape.size());
  const auto type = static_cast<int64_t>(TensorType::kInt32);
  return Append(kShape, Table::Of("ShapeOptions", {{"out_type", type}}), {tensor},
                TensorType::kInt32, {rank}, {rank});
}

int32_t CheckWriter::Extent(int32_t tensor, int32_t axis, TensorType type) {
  const int32_t shape = ShapeOf(tensor);
  const int32_t extent =
      Append(kStridedSlice, Table::Of("StridedSliceOptions", {{"shrink_axis_mask", int64_t{1}}}),
             {shape, Numbers({axis}, TensorType::kInt32), Numbers({axis + 1}, TensorType::kInt32),
              Numbers({1}, TensorType::kInt32)},
             TensorType::kInt32, {});
  return As(extent, type);
}

int32_t CheckWriter::Extents(int32_t tensor, int32_t count, TensorType type) {
  return As(First(ShapeOf(tensor), count), type);
}

int32_t CheckWriter::First(int32_t list, int32_t count) {
  return Append(kStridedSlice, Table("StridedSliceOptions"),
                {list, Numbers({0}, TensorType::kInt32), Numbers({count}, TensorType::kInt32),
                 Numbers({1}, TensorType::kInt32)},
                At(list).type, {count}, {count});
}

int32_t CheckWriter::As(int32_t tensor, TensorType type) {
  if (At(tensor).type == type) return tensor;
  return Append(kCast, {}, {tensor}, type, At(tensor).shape, SignatureOf(At(tensor)));
}

int32_t CheckWriter::Sum(int32_t a, int32_t b) {
  return Elementwise(kAdd, "AddOptions", a, b, At(a).type);
}

int32_t CheckWriter::Reshaped(int32_t tensor, const std::vector<int32_t>& shape) {
  const std::vector<int64_t> extents(shape.begin(), shape.end());
  const std::vector<int32_t> now = At(tensor).shape;
  return Append(kReshape, {}, {tensor, Numbers(extents, TensorType::kInt32)}, At(tensor).type, now,
                shape);
}

int32_t CheckWriter::IsLess(int32_t a, int32_t b) {
  return Elementwise(kLess, "LessOptions", a, b, TensorType::kBool);
}

int32_t CheckWriter::IsAtLeast(int32_t a, int32_t b) {
  return Elementwise(kGreaterEqual, "GreaterEqualOptions", a, b, TensorType::kBool);
}

int32_t CheckWriter::IsGreater(int32_t a, int32_t b) {
  return Elementwise(kGreater, "GreaterOptions", a, b, TensorType::kBool);
}

int32_t CheckWriter::IsEqual(int32_t a, int32_t b) {
  return Elementwise(kEqual, "EqualOptions", a, b, TensorType::kBool);
}

int32_t CheckWriter::Or(int32_t a, int32_t b) {
  return Elementwise(kLogicalOr, "LogicalOrOptions", a, b, TensorType::kBool);
}

int32_t CheckWriter::And(int32_t a, int32_t b) {
  return Elementwise(kLogicalAnd, "LogicalAndOptions", a, b, TensorType::kBool);
}

int32_t CheckWriter::Unless(int32_t wrong, int32_t value) {
  const TensorType type = At(value).type;
  // 0 where all is well, else -1, which GATHER refuses in every version.
  const int32_t flag = As(wrong, TensorType::kInt32);
  const int32_t position =
      Append(kNeg, {}, {flag}, TensorType::kInt32, At(wrong).shape, SignatureOf(At(wrong)));
  const int32_t zero = Append(kGather, Table("GatherOptions"), {Numbers({0}, type), position}, type,
                              At(wrong).shape, SignatureOf(At(wrong)));
  return Sum(value, zero);
}

std::vector<Operator> CheckWriter::TakeOperators() { return std::exchange(operators_, {}); }

}  // namespace bowerbird::tflite
