// SPDX-License-Identifier: Apache-2.0
//
// For tests: what other threads bring about.
#pragma once

#include <chrono>
#include <thread>

namespace bowerbird::infer::testing {

// Whether `condition` comes true within a time that only a broken program needs.
template <typename Condition>
bool Eventually(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace bowerbird::infer::testing
