// SPDX-License-Identifier: Apache-2.0
#include "tflite/types.h"

#include "tflite/schema/model_fb.h"

namespace bowerbird::tflite {

std::string TensorTypeName(TensorType type) {
  const char* name = schema::EnumNameTensorType(static_cast<schema::TensorType>(type));
  if (*name != '\0') return name;
  return "type " + std::to_string(static_cast<int>(type));
}

size_t TensorTypeBits(TensorType type) {
  switch (type) {
    case TensorType::kInt4:
      return 4;
    case TensorType::kUint8:
    case TensorType::kInt8:
    case TensorType::kBool:
      return 8;
    case TensorType::kFloat16:
    case TensorType::kInt16:
    case TensorType::kUint16:
      return 16;
    case TensorType::kFloat32:
    case TensorType::kInt32:
    case TensorType::kUint32:
      return 32;
    case TensorType::kInt64:
    case TensorType::kUint64:
    case TensorType::kFloat64:
    case TensorType::kComplex64:
      return 64;
    case TensorType::kComplex128:
      return 128;
    case TensorType::kString:
    case TensorType::kResource:
    case TensorType::kVariant:
      return 0;
  }
  return 0;
}

std::string BuiltinOperatorName(int32_t code) {
  const char* name = schema::EnumNameBuiltinOperator(static_cast<schema::BuiltinOperator>(code));
  if (*name != '\0') return name;
  return "operator " + std::to_string(code);
}

}  // namespace bowerbird::tflite
