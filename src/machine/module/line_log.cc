// SPDX-License-Identifier: Apache-2.0
#include "machine/module/line_log.h"

namespace bowerbird::machine {
namespace {

constexpr size_t kMaxLine = 4096;
constexpr int kMostLines = 100;

}  // namespace

LineLog::~LineLog() {
  const MutexLock lock(mutex_);
  if (!line_.empty()) Write();
}

void LineLog::Add(std::string_view bytes) {
  const MutexLock lock(mutex_);
  for (const char byte : bytes) {
    if (byte == '\n') {
      Write();
    } else if (line_.size() < kMaxLine && byte != '\r') {
      line_.push_back(byte);
    }
  }
}

void LineLog::Write() {
  const auto now = std::chrono::steady_clock::now();
  if (now - second_ >= std::chrono::seconds(1)) {
    if (left_out_ > 0)
      Log(LogLevel::kWarning, logger_,
          std::to_string(left_out_) + " more lines in one second are left out");
    second_ = now;
    written_ = 0;
    left_out_ = 0;
  }
  if (written_ < kMostLines) {
    if (!line_.empty()) Log(level_, logger_, line_);
    ++written_;
  } else {
    ++left_out_;
  }
  line_.clear();
}

}  // namespace bowerbird::machine
