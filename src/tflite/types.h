// SPDX-License-Identifier: Apache-2.0
//
// Element types and operator names as the file format counts them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bowerbird::tflite {

// The numbers of the format (schema/types.fbs). A file may hold any other value: a newer type.
enum class TensorType : int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kString = 5,
  kBool = 6,
  kInt16 = 7,
  kComplex64 = 8,
  kInt8 = 9,
  kFloat64 = 10,
  kComplex128 = 11,
  kUint64 = 12,
  kResource = 13,
  kVariant = 14,
  kUint32 = 15,
  kUint16 = 16,
  kInt4 = 17,
};

// "FLOAT32"; "type 42" for a number that the schema does not have.
std::string TensorTypeName(TensorType type);

// Bits of one element; 0 where elements have no fixed size (strings, resources, variants) or the
// type is not known.
size_t TensorTypeBits(TensorType type);

// Codes of built-in operators that the code here looks at.
inline constexpr int32_t kCustomOperator = 32;

// "CONV_2D"; "operator 999" for a code that the schema does not have.
std::string BuiltinOperatorName(int32_t code);

}  // namespace bowerbird::tflite
