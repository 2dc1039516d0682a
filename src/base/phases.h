// SPDX-License-Identifier: Apache-2.0
//
// Where the time of one request went. A request owns one PhaseTimes; each room adds its own share.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

namespace bowerbird {

enum class Phase { kDecode, kResize, kQueue, kInvoke, kPostprocess, kEncode };
inline constexpr int kPhaseCount = 6;
inline constexpr std::array<std::string_view, kPhaseCount> kPhaseNames = {
    "decode", "resize", "queue", "invoke", "postprocess", "encode"};

// Not thread-safe: one request, one thread at a time.
class PhaseTimes {
 public:
  void Add(Phase phase, std::chrono::nanoseconds time) {
    times_[static_cast<size_t>(phase)] += time;
  }
  std::chrono::nanoseconds Get(Phase phase) const { return times_[static_cast<size_t>(phase)]; }
  double Milliseconds(Phase phase) const {
    return std::chrono::duration<double, std::milli>(Get(phase)).count();
  }

 private:
  std::array<std::chrono::nanoseconds, kPhaseCount> times_{};
};

// Adds the lifetime of the object to one phase; does nothing when `times` is null.
class PhaseTimer {
 public:
  PhaseTimer(PhaseTimes* times, Phase phase) : times_(times), phase_(phase) {
    if (times_ != nullptr) start_ = std::chrono::steady_clock::now();
  }
  ~PhaseTimer() { Stop(); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

  void Stop() {
    if (times_ == nullptr) return;
    times_->Add(phase_, std::chrono::steady_clock::now() - start_);
    times_ = nullptr;
  }

 private:
  PhaseTimes* times_;
  Phase phase_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace bowerbird
