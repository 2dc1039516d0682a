// SPDX-License-Identifier: Apache-2.0
//
// The program's log: one line a message, to stderr, "time level [logger] message". Thread-safe.
// A thin front so that spdlog's templates are compiled once.
#pragma once

#include <string>
#include <string_view>

namespace bowerbird {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Messages below `level` are dropped. Default: kInfo.
void SetLogLevel(LogLevel level);

// `logger` names the part that speaks: a room, or a resource as "camera/cam".
// Control characters of the message are escaped: part of it may come from outside.
void Log(LogLevel level, std::string_view logger, std::string_view message);

inline void LogDebug(std::string_view logger, std::string_view message) {
  Log(LogLevel::kDebug, logger, message);
}
inline void LogInfo(std::string_view logger, std::string_view message) {
  Log(LogLevel::kInfo, logger, message);
}
inline void LogWarning(std::string_view logger, std::string_view message) {
  Log(LogLevel::kWarning, logger, message);
}
inline void LogError(std::string_view logger, std::string_view message) {
  Log(LogLevel::kError, logger, message);
}

}  // namespace bowerbird
