// SPDX-License-Identifier: Apache-2.0
#include "jobs/trainer_lines.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

using Json = nlohmann::json;

std::string Clean(std::string_view text) { return Utf8Line(text, kMaxTrainerText); }

std::optional<double> NumberIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

uint64_t CountIn(const Json& json, const char* key) {
  const auto number = NumberIn(json, key);
  return number.has_value() && *number > 0 && *number < 1e15 ? static_cast<uint64_t>(*number) : 0;
}

std::string TextIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? Clean(found->get<std::string>()) : "";
}

// The runtime writes what it is pleased about there, too.
std::string_view LevelOf(std::string_view line) {
  if (line.starts_with("INFO:")) return "debug";
  return line.starts_with("WARNING:") ? "warn" : "error";
}

}  // namespace

void ProgressLines::TakeLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    if (!line.empty()) listener_.Log("info", Clean(line));
    return;
  }
  if (const std::string phase = TextIn(json, "phase"); !phase.empty()) {
    if (phase != phase_) listener_.Log("info", phase);
    phase_ = phase;
    listener_.Progress({.phase = phase,
                        .step = CountIn(json, "done"),
                        .steps = CountIn(json, "total"),
                        .loss = NumberIn(json, "loss"),
                        .score = NumberIn(json, "score"),
                        .seconds_left = NumberIn(json, "seconds_left")});
  } else if (json.contains("error")) {
    // Also on stderr, which is the log.
    failure_ = TextIn(json, "error");
  } else if (json.contains("warning")) {
    listener_.Log("warn", TextIn(json, "warning"));
  } else {
    listener_.Log("info", Clean(line));
  }
}

void ProgressLines::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    line_.append(part.substr(0, kMaxTrainerLine - std::min(kMaxTrainerLine, line_.size())));
    if (end == std::string_view::npos) return;
    TakeLine(line_);
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
}

void ProgressLines::Finish() {
  if (!line_.empty()) TakeLine(std::exchange(line_, ""));
}

void ErrorLines::Take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c != '\n' && rest_.size() < kMaxTrainerLine) rest_ += c;
    if (c != '\n' && rest_.size() < kMaxTrainerLine) continue;
    if (!rest_.empty()) listener_.Log(LevelOf(rest_), Clean(rest_));
    rest_.clear();
  }
}

}  // namespace bowerbird::jobs
