// SPDX-License-Identifier: Apache-2.0
#include "infer/tensor.h"

#include <array>

namespace bowerbird::infer {
namespace {

struct TypeRow {
  DType type;
  std::string_view name;
  size_t size;
};

// In the order of DType.
constexpr std::array<TypeRow, 14> kTypes = {{
    {DType::kInt8, "int8", 1},
    {DType::kUint8, "uint8", 1},
    {DType::kInt16, "int16", 2},
    {DType::kUint16, "uint16", 2},
    {DType::kInt32, "int32", 4},
    {DType::kUint32, "uint32", 4},
    {DType::kInt64, "int64", 8},
    {DType::kUint64, "uint64", 8},
    {DType::kFloat32, "float32", 4},
    {DType::kFloat64, "float64", 8},
    {DType::kBool, "uint8", 1},
    {DType::kString, "string", 0},
    {DType::kFloat16, "float32", 2},
    {DType::kOther, "other", 0},
}};

const TypeRow& RowOf(DType type) { return kTypes[static_cast<size_t>(type)]; }

}  // namespace

std::string_view DTypeName(DType type) { return RowOf(type).name; }

std::optional<DType> DTypeFromName(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    // The first row with a name wins: "uint8" is kUint8, "float32" is kFloat32.
    if (row.size > 0 && row.name == name) return row.type;
  }
  return std::nullopt;
}

size_t DTypeSize(DType type) { return RowOf(type).size; }

std::optional<int64_t> ElementCount(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  return count;
}

std::string ShapeText(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::string ShapesText(const std::vector<Shape>& shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + ShapeText(shape);
  return text;
}

}  // namespace bowerbird::infer
