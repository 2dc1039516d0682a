// SPDX-License-Identifier: Apache-2.0
//
// Two measurements at once measure each other. So whoever measures takes a turn first: one at a
// time of all processes that share a folder, by a lock on the file "measuring.lock" in it, which
// the kernel takes away from a process that ends. Private to this room.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "base/context.h"

namespace bowerbird::infer {

// Held until destruction. Movable.
class MeasuringTurn {
 public:
  // Waits for at most `patience`, then UNAVAILABLE; CANCELLED or DEADLINE_EXCEEDED by the context.
  // Where the file cannot be made, or `folder` is "", there is nobody to wait for.
  static absl::StatusOr<MeasuringTurn> Await(const Context& context, const std::string& folder,
                                             std::chrono::nanoseconds patience);
  ~MeasuringTurn();
  MeasuringTurn(MeasuringTurn&& other) noexcept : file_(other.file_) { other.file_ = -1; }
  MeasuringTurn& operator=(MeasuringTurn&&) = delete;
  MeasuringTurn(const MeasuringTurn&) = delete;
  MeasuringTurn& operator=(const MeasuringTurn&) = delete;

 private:
  explicit MeasuringTurn(int file) : file_(file) {}

  int file_;  // -1: holds nothing
};

}  // namespace bowerbird::infer
