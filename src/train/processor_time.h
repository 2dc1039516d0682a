// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

namespace bowerbird::train {

// Of this process so far, all threads.
inline double ProcessorSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace bowerbird::train
