// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/datatype.h"

#include <array>
#include <optional>
#include <utility>

#include "base/status.h"

namespace bowerbird::infer::remote {
namespace {

constexpr std::array<std::pair<std::string_view, DType>, 12> kDatatypes = {{
    {"BOOL", DType::kBool},
    {"UINT8", DType::kUint8},
    {"UINT16", DType::kUint16},
    {"UINT32", DType::kUint32},
    {"UINT64", DType::kUint64},
    {"INT8", DType::kInt8},
    {"INT16", DType::kInt16},
    {"INT32", DType::kInt32},
    {"INT64", DType::kInt64},
    {"FP16", DType::kFloat16},
    {"FP32", DType::kFloat32},
    {"FP64", DType::kFloat64},
}};

constexpr size_t kShownCharacters = 200;

}  // namespace

std::string_view DatatypeName(DType type) {
  for (const auto& [name, known] : kDatatypes) {
    if (known == type) return name;
  }
  return type == DType::kString ? "BYTES" : "";
}

absl::StatusOr<DType> DTypeFromDatatype(std::string_view name) {
  for (const auto& [known, type] : kDatatypes) {
    if (known == name) return type;
  }
  if (name == "BYTES" || name == "BF16") {
    return Unimplemented("elements of datatype " + std::string(name) +
                         " cannot be passed on: only BOOL, UINT8 to UINT64, INT8 to INT64 and FP16 "
                         "to FP64 can");
  }
  return InvalidArgument("datatype \"" + Shown(name) +
                         "\" is not known: use BOOL, UINT8 to UINT64, INT8 to INT64, or FP16 to "
                         "FP64");
}

DType PresentedType(DType type) {
  if (type == DType::kFloat16) return DType::kFloat32;
  if (type == DType::kBool) return DType::kUint8;
  return type;
}

absl::StatusOr<size_t> TensorBytes(DType type, const Shape& shape) {
  const std::optional<int64_t> count = ElementCount(shape);
  size_t bytes = 0;
  if (!count || __builtin_mul_overflow(static_cast<size_t>(*count), DTypeSize(type), &bytes)) {
    return InvalidArgument("shape " + ShapeText(shape) + " is none that a tensor can have");
  }
  return bytes;
}

std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, kShownCharacters));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  if (text.size() > kShownCharacters) shown += "...";
  return shown;
}

}  // namespace bowerbird::infer::remote
