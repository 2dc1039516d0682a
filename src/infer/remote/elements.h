// SPDX-License-Identifier: Apache-2.0
//
// The numbers of one JSON "data" array: collected before their type is known, because a peer may
// say the type after the data. Eight bytes an element.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/tensor.h"

namespace bowerbird::infer::remote {

class Elements {
 public:
  void AddInteger(int64_t value);
  void AddUnsigned(uint64_t value);
  void AddReal(double value);
  void AddBool(bool value);

  size_t size() const { return bits_.size(); }

  // Little-endian bytes of `count` elements of `type`. INVALID_ARGUMENT: another number of them, or
  // one that the type cannot hold. FP16 has no JSON form.
  absl::StatusOr<std::string> Pack(DType type, int64_t count) const;

 private:
  void BecomeReal();
  template <typename T>
  absl::StatusOr<std::string> PackIntegers() const;
  template <typename T>
  absl::StatusOr<std::string> PackReals() const;
  absl::StatusOr<std::string> PackBools() const;
  double RealAt(size_t index) const;

  std::vector<uint64_t> bits_;  // int64, uint64 where has_large_, double where is_real_
  bool is_real_ = false;
  bool has_large_ = false;     // above the largest int64
  bool has_negative_ = false;  // never with has_large_
  size_t bools_ = 0;
};

// Appends the elements as JSON, "1,2,3", the shortest form that reads back the same.
// FAILED_PRECONDITION: NaN or infinity, FP16: those go as binary data only.
absl::Status AppendElements(DType type, std::string_view bytes, std::string& json);

}  // namespace bowerbird::infer::remote
