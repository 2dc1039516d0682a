// SPDX-License-Identifier: Apache-2.0
//
// Log lines of modules, written into this program's log.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/log.h"
#include "base/mutex.h"

namespace viam::common::v1 {
class LogEntry;
}

namespace bowerbird::serve {

// "debug", "info", "warn", "error" and their longer forms, in any case; what is worse than an error
// ("fatal", "panic") counts as one, anything else as information.
LogLevel LevelFromName(std::string_view name);

// Logger name, message and key-value fields in one line, cut at 16 KiB.
void LogEntry(const viam::common::v1::LogEntry& entry);

// Lets 100 lines a second of each logger through, so that a module that floods the log does not
// drown the others; what is left out is counted, and told with the next line that is not.
// Thread-safe.
class LogLimit {
 public:
  void Log(const viam::common::v1::LogEntry& entry) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Second {
    std::chrono::steady_clock::time_point start{};
    int written = 0;
    int left_out = 0;
  };
  Mutex mutex_;
  std::map<std::string, Second> loggers_ ABSL_GUARDED_BY(mutex_);  // a bounded number
};

}  // namespace bowerbird::serve
