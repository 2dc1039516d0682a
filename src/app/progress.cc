// SPDX-License-Identifier: Apache-2.0
#include "app/progress.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace bowerbird::app {
namespace {

// A signal handler has nothing else to write to.
volatile std::sig_atomic_t interrupted = 0;

void TakeInterrupt(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void CatchInterrupts() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, TakeInterrupt);
}

bool Interrupted() { return interrupted != 0; }

Progress::Progress(std::string what, uint64_t total)
    : what_(std::move(what)), total_(total), shown_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
}

void Progress::Add(uint64_t items, uint64_t bytes) {
  if (!shown_) return;
  const MutexLock lock(mutex_);
  items_ += items;
  bytes_ += bytes;
  const Clock::time_point now = Clock::now();
  if (now - last_ < std::chrono::milliseconds(200)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count() + 1e-9;
  const double rate = static_cast<double>(items_) / seconds;
  std::fprintf(stderr, "\r\033[K%s %llu", what_.c_str(), static_cast<unsigned long long>(items_));
  if (total_ > 0) {
    std::fprintf(stderr, "/%llu (%d %%)", static_cast<unsigned long long>(total_),
                 static_cast<int>(100 * items_ / total_));
  }
  std::fprintf(stderr, ", %.0f/s, %.1f MB/s", rate, static_cast<double>(bytes_) / seconds / 1e6);
  if (total_ > items_ && rate > 0)
    std::fprintf(stderr, ", %.0f s left", static_cast<double>(total_ - items_) / rate);
  std::fflush(stderr);
}

}  // namespace bowerbird::app
