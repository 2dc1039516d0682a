// SPDX-License-Identifier: Apache-2.0
#include "serve/robot_log.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "common/v1/common.pb.h"
#include "wire/machine/struct.h"

namespace bowerbird::serve {
namespace {

constexpr size_t kMaxMessageBytes = 16 << 10;
constexpr size_t kMaxLoggerBytes = 200;
constexpr size_t kMaxLoggers = 1000;
constexpr int kMostLines = 100;  // a second

// " key=value". Where modules put the value of a field depends on its type.
std::string FieldText(const google::protobuf::Struct& field) {
  const auto& members = field.fields();
  const auto key = members.find("Key");
  const std::string name = key == members.end() ? "field" : key->second.string_value();
  for (const char* place : {"String", "Interface", "Integer"}) {
    const auto member = members.find(place);
    if (member == members.end()) continue;
    const auto value = wire::JsonFromValue(member->second);
    if (!value.ok()) return " " + name + "=(nested too deeply)";
    const auto* text = value->get_ptr<const std::string*>();
    const bool empty = value->is_null() || (text != nullptr && text->empty());
    if (!empty)
      return " " + name + "=" +
             value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return " " + name;
}

}  // namespace

LogLevel LevelFromName(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (lower == "debug" || lower == "trace") return LogLevel::kDebug;
  if (lower == "warn" || lower == "warning") return LogLevel::kWarning;
  for (const std::string_view worse : {"error", "dpanic", "panic", "fatal", "critical"})
    if (lower == worse) return LogLevel::kError;
  return LogLevel::kInfo;
}

void LogEntry(const viam::common::v1::LogEntry& entry) {
  std::string message = entry.message();
  for (const auto& field : entry.fields()) {
    if (message.size() > kMaxMessageBytes) break;
    message += FieldText(field);
  }
  // Cutting may split a letter; Utf8 mends it.
  message = Utf8(std::string_view(message).substr(0, kMaxMessageBytes));
  const std::string logger = Utf8(std::string_view(entry.logger_name()).substr(0, kMaxLoggerBytes));
  Log(LevelFromName(entry.level()), logger.empty() ? "module" : logger, message);
}

void LogLimit::Log(const viam::common::v1::LogEntry& entry) {
  int told = 0;
  const std::string logger = Utf8(std::string_view(entry.logger_name()).substr(0, kMaxLoggerBytes));
  {
    const MutexLock lock(mutex_);
    // Names are made up by modules: those beyond share one account.
    const bool own = loggers_.size() < kMaxLoggers || loggers_.contains(logger);
    Second& second = loggers_[own ? logger : ""];
    const auto now = std::chrono::steady_clock::now();
    if (now - second.start >= std::chrono::seconds(1)) {
      told = second.left_out;
      second = {now, 0, 0};
    }
    if (second.written >= kMostLines) {
      ++second.left_out;
      return;
    }
    ++second.written;
  }
  if (told > 0)
    bowerbird::Log(LogLevel::kWarning, logger.empty() ? "module" : logger,
                   std::to_string(told) + " more lines in one second are left out");
  LogEntry(entry);
}

}  // namespace bowerbird::serve
