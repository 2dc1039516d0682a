// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/elements.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/status.h"
#include "infer/remote/datatype.h"

namespace bowerbird::infer::remote {
namespace {

constexpr uint64_t kLargestSigned = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

// Doubles hold whole numbers exactly up to here.
constexpr double kLargestExact = 9007199254740992.0;

absl::Status DoesNotFit(size_t index, DType type) {
  return InvalidArgument("element " + std::to_string(index) + " of \"data\" is no " +
                         std::string(DatatypeName(type)));
}

template <typename T>
constexpr DType kTypeOf = DType::kOther;
template <>
constexpr DType kTypeOf<int8_t> = DType::kInt8;
template <>
constexpr DType kTypeOf<uint8_t> = DType::kUint8;
template <>
constexpr DType kTypeOf<int16_t> = DType::kInt16;
template <>
constexpr DType kTypeOf<uint16_t> = DType::kUint16;
template <>
constexpr DType kTypeOf<int32_t> = DType::kInt32;
template <>
constexpr DType kTypeOf<uint32_t> = DType::kUint32;
template <>
constexpr DType kTypeOf<int64_t> = DType::kInt64;
template <>
constexpr DType kTypeOf<uint64_t> = DType::kUint64;
template <>
constexpr DType kTypeOf<float> = DType::kFloat32;
template <>
constexpr DType kTypeOf<double> = DType::kFloat64;

template <typename T>
void Put(T value, size_t index, std::string& bytes) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

// A double that is a whole number within T, and exactly the one that was sent.
template <typename T>
bool FitsInteger(double value) {
  if (std::abs(value) > kLargestExact) return false;
  // 2^digits is exact in a double, T's largest value need not be.
  const double bound = std::ldexp(1.0, std::numeric_limits<T>::digits);
  const double lowest = std::is_signed_v<T> ? -bound : 0.0;
  return std::trunc(value) == value && value >= lowest && value < bound;
}

template <typename T>
absl::Status AppendNumbers(std::string_view bytes, std::string& json) {
  char text[40];
  const size_t count = bytes.size() / sizeof(T);
  json.reserve(json.size() + count * 4);
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) {
        return FailedPrecondition("element " + std::to_string(i) +
                                  " is no finite number, which JSON cannot say: ask for binary "
                                  "data (\"binary_data\": true)");
      }
    }
    if (i > 0) json += ',';
    const auto end = std::to_chars(text, text + sizeof text, value);
    json.append(text, end.ptr);
    // Readers take "-0" for the integer, which has no sign.
    if (std::is_floating_point_v<T> && std::string_view(text, end.ptr) == "-0") json += ".0";
  }
  return absl::OkStatus();
}

void AppendBools(std::string_view bytes, std::string& json) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) json += ',';
    json += bytes[i] != 0 ? "true" : "false";
  }
}

}  // namespace

void Elements::BecomeReal() {
  if (is_real_) return;
  for (uint64_t& bits : bits_) {
    const double value =
        has_large_ ? static_cast<double>(bits) : static_cast<double>(static_cast<int64_t>(bits));
    bits = std::bit_cast<uint64_t>(value);
  }
  is_real_ = true;
}

void Elements::AddInteger(int64_t value) {
  // Bits of negative and of large values cannot be told apart.
  if (is_real_ || (value < 0 && has_large_)) return AddReal(static_cast<double>(value));
  has_negative_ = has_negative_ || value < 0;
  bits_.push_back(static_cast<uint64_t>(value));
}

void Elements::AddUnsigned(uint64_t value) {
  const bool is_large = value > kLargestSigned;
  if (is_real_ || (is_large && has_negative_)) return AddReal(static_cast<double>(value));
  has_large_ = has_large_ || is_large;
  bits_.push_back(value);
}

void Elements::AddReal(double value) {
  BecomeReal();
  bits_.push_back(std::bit_cast<uint64_t>(value));
}

void Elements::AddBool(bool value) {
  ++bools_;
  AddUnsigned(value ? 1 : 0);
}

double Elements::RealAt(size_t index) const {
  if (is_real_) return std::bit_cast<double>(bits_[index]);
  return has_large_ ? static_cast<double>(bits_[index])
                    : static_cast<double>(static_cast<int64_t>(bits_[index]));
}

template <typename T>
absl::StatusOr<std::string> Elements::PackIntegers() const {
  std::string bytes(bits_.size() * sizeof(T), '\0');
  for (size_t i = 0; i < bits_.size(); ++i) {
    if (is_real_) {
      const double value = RealAt(i);
      if (!FitsInteger<T>(value)) return DoesNotFit(i, kTypeOf<T>);
      Put(static_cast<T>(value), i, bytes);
      continue;
    }
    if (has_large_) {
      if (!std::in_range<T>(bits_[i])) return DoesNotFit(i, kTypeOf<T>);
    } else if (!std::in_range<T>(static_cast<int64_t>(bits_[i]))) {
      return DoesNotFit(i, kTypeOf<T>);
    }
    Put(static_cast<T>(bits_[i]), i, bytes);
  }
  return bytes;
}

template <typename T>
absl::StatusOr<std::string> Elements::PackReals() const {
  std::string bytes(bits_.size() * sizeof(T), '\0');
  for (size_t i = 0; i < bits_.size(); ++i) {
    const double value = RealAt(i);
    if (std::abs(value) > static_cast<double>(std::numeric_limits<T>::max()))
      return DoesNotFit(i, kTypeOf<T>);
    Put(static_cast<T>(value), i, bytes);
  }
  return bytes;
}

absl::StatusOr<std::string> Elements::PackBools() const {
  std::string bytes(bits_.size(), '\0');
  for (size_t i = 0; i < bits_.size(); ++i) {
    const double value = RealAt(i);
    if (value != 0 && value != 1) return DoesNotFit(i, DType::kBool);
    bytes[i] = value == 1 ? '\1' : '\0';
  }
  return bytes;
}

absl::StatusOr<std::string> Elements::Pack(DType type, int64_t count) const {
  if (count < 0 || bits_.size() != static_cast<size_t>(count)) {
    return InvalidArgument("\"data\" has " + std::to_string(bits_.size()) +
                           " elements, the shape has " + std::to_string(count));
  }
  if (type == DType::kBool) return PackBools();
  if (bools_ > 0) {
    return InvalidArgument("\"data\" has truth values, but the datatype is " +
                           std::string(DatatypeName(type)));
  }
  switch (type) {
    case DType::kInt8:
      return PackIntegers<int8_t>();
    case DType::kUint8:
      return PackIntegers<uint8_t>();
    case DType::kInt16:
      return PackIntegers<int16_t>();
    case DType::kUint16:
      return PackIntegers<uint16_t>();
    case DType::kInt32:
      return PackIntegers<int32_t>();
    case DType::kUint32:
      return PackIntegers<uint32_t>();
    case DType::kInt64:
      return PackIntegers<int64_t>();
    case DType::kUint64:
      return PackIntegers<uint64_t>();
    case DType::kFloat32:
      return PackReals<float>();
    case DType::kFloat64:
      return PackReals<double>();
    default:
      return InvalidArgument("elements of datatype " + std::string(DatatypeName(type)) +
                             " go as binary data only");
  }
}

absl::Status AppendElements(DType type, std::string_view bytes, std::string& json) {
  switch (type) {
    case DType::kBool:
      AppendBools(bytes, json);
      return absl::OkStatus();
    case DType::kInt8:
      return AppendNumbers<int8_t>(bytes, json);
    case DType::kUint8:
      return AppendNumbers<uint8_t>(bytes, json);
    case DType::kInt16:
      return AppendNumbers<int16_t>(bytes, json);
    case DType::kUint16:
      return AppendNumbers<uint16_t>(bytes, json);
    case DType::kInt32:
      return AppendNumbers<int32_t>(bytes, json);
    case DType::kUint32:
      return AppendNumbers<uint32_t>(bytes, json);
    case DType::kInt64:
      return AppendNumbers<int64_t>(bytes, json);
    case DType::kUint64:
      return AppendNumbers<uint64_t>(bytes, json);
    case DType::kFloat32:
      return AppendNumbers<float>(bytes, json);
    case DType::kFloat64:
      return AppendNumbers<double>(bytes, json);
    default:
      return FailedPrecondition("elements of datatype " + std::string(DatatypeName(type)) +
                                " go as binary data only: ask for it (\"binary_data\": true)");
  }
}

}  // namespace bowerbird::infer::remote
