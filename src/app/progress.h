// SPDX-License-Identifier: Apache-2.0
//
// What a person sees of a long run: a line on stderr, if that is a terminal, with rate and time
// left; and her Ctrl-C.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/mutex.h"

namespace bowerbird::app {

// From now on SIGINT and SIGTERM only set a flag, so that a run stops between two files; a second
// one ends the program as usual.
void CatchInterrupts();
bool Interrupted();

// Thread-safe.
class Progress {
 public:
  // `total` 0: not known.
  Progress(std::string what, uint64_t total);
  // Clears its line.
  ~Progress();
  void Add(uint64_t items, uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string what_;
  const uint64_t total_;
  const bool shown_;
  const Clock::time_point start_ = Clock::now();
  Mutex mutex_;
  Clock::time_point last_ ABSL_GUARDED_BY(mutex_){};
  uint64_t items_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bowerbird::app
