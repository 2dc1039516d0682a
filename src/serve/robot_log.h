// SPDX-License-Identifier: Apache-2.0
//
// Log lines of modules, written into this program's log.
#pragma once

#include "base/log.h"

namespace viam::common::v1 {
class LogEntry;
}

namespace bowerbird::serve {

// "debug", "info", "warn", "error" and their longer forms, in any case; what is worse than an error
// ("fatal", "panic") counts as one, anything else as information.
LogLevel LevelFromName(std::string_view name);

// Logger name, message and key-value fields in one line, cut at 16 KiB.
void LogEntry(const viam::common::v1::LogEntry& entry);

}  // namespace bowerbird::serve
