// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace bowerbird::infer::testing {

// For tests: TfliteOptions::processor_time as the trial of a load sees it. A call alone takes
// `alone`, a run of `rows` calls `together`.
class ScriptedTime {
 public:
  ScriptedTime(int rows, std::chrono::nanoseconds alone, std::chrono::nanoseconds together)
      : rows_(rows), alone_(alone), together_(together) {}

  std::chrono::nanoseconds operator()() {
    const int reading = readings_++;
    if (reading % 2 == 1) now_ += reading / 2 < rows_ ? alone_ : together_;
    return now_;
  }

 private:
  int rows_;
  std::chrono::nanoseconds alone_, together_;
  std::chrono::nanoseconds now_{};
  int readings_ = 0;
};

}  // namespace bowerbird::infer::testing
