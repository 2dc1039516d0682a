// SPDX-License-Identifier: Apache-2.0
#include "machine/attributes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

// "3" for 3.0, "0.25" for 0.25.
std::string NumberText(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", number);
  return text;
}

// Doubles hold whole numbers exactly up to here.
constexpr double kLargestExact = 9007199254740992.0;

std::optional<int64_t> WholeNumber(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (number != std::floor(number) || std::fabs(number) > kLargestExact) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

std::string ShownInError(const nlohmann::json& value) {
  constexpr size_t kShown = 80;
  // Strings may come from code that did not check their encoding: replace, never throw.
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

const nlohmann::json* Attributes::Find(std::string_view key) const {
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(std::string(key));
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

bool Attributes::Has(std::string_view key) const { return Find(key) != nullptr; }

std::string Attributes::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

absl::Status Attributes::Error(std::string_view key, std::string_view problem) const {
  const auto* value = Find(key);
  return InvalidArgument(PathOf(key) + ": " + (value == nullptr ? "" : ShownInError(*value) + " ") +
                         std::string(problem));
}

absl::StatusOr<std::string> Attributes::RequiredString(std::string_view key) const {
  if (!Has(key)) return Error(key, "is missing: give a string");
  ASSIGN_OR_RETURN(std::string text, String(key));
  if (text.empty()) return Error(key, "is empty: give a string");
  return text;
}

absl::StatusOr<std::string> Attributes::String(std::string_view key,
                                               std::string default_value) const {
  const auto* value = Find(key);
  if (value == nullptr) return default_value;
  if (!value->is_string()) return Error(key, "is not a string");
  return value->get<std::string>();
}

absl::StatusOr<bool> Attributes::Bool(std::string_view key, bool default_value) const {
  const auto* value = Find(key);
  if (value == nullptr) return default_value;
  if (!value->is_boolean()) return Error(key, "is not true or false");
  return value->get<bool>();
}

absl::StatusOr<int64_t> Attributes::Int(std::string_view key, int64_t default_value, int64_t min,
                                        int64_t max) const {
  const auto* value = Find(key);
  if (value == nullptr) return default_value;
  const auto number = WholeNumber(*value);
  if (!number || *number < min || *number > max) {
    return Error(
        key, "is not a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return *number;
}

absl::StatusOr<double> Attributes::Double(std::string_view key, double default_value, double min,
                                          double max) const {
  const auto* value = Find(key);
  if (value == nullptr) return default_value;
  const double number = value->is_number() ? value->get<double>() : NAN;
  if (!(number >= min && number <= max))
    return Error(key, "is not a number from " + NumberText(min) + " to " + NumberText(max));
  return number;
}

absl::StatusOr<std::string> Attributes::Choice(std::string_view key, std::string_view default_value,
                                               const std::vector<std::string_view>& allowed) const {
  const auto* value = Find(key);
  if (value == nullptr) return std::string(default_value);
  if (value->is_string()) {
    auto text = value->get<std::string>();
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return text;
  }
  std::string problem = "is not one of";
  for (size_t i = 0; i < allowed.size(); ++i)
    problem += (i == 0 ? " \"" : ", \"") + std::string(allowed[i]) + "\"";
  return Error(key, problem);
}

absl::StatusOr<std::vector<double>> Attributes::Doubles(std::string_view key) const {
  std::vector<double> numbers;
  const auto* value = Find(key);
  if (value == nullptr) return numbers;
  if (!value->is_array()) return Error(key, "is not a list of numbers");
  for (size_t i = 0; i < value->size(); ++i) {
    const auto& element = (*value)[i];
    if (!element.is_number()) {
      return InvalidArgument(PathOf(key) + "[" + std::to_string(i) + "]: " + ShownInError(element) +
                             " is not a number");
    }
    numbers.push_back(element.get<double>());
  }
  return numbers;
}

absl::StatusOr<std::vector<std::string>> Attributes::Strings(std::string_view key) const {
  std::vector<std::string> strings;
  const auto* value = Find(key);
  if (value == nullptr) return strings;
  if (!value->is_array()) return Error(key, "is not a list of strings");
  for (size_t i = 0; i < value->size(); ++i) {
    const auto& element = (*value)[i];
    if (!element.is_string()) {
      return InvalidArgument(PathOf(key) + "[" + std::to_string(i) + "]: " + ShownInError(element) +
                             " is not a string");
    }
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Attributes::StringMap(
    std::string_view key) const {
  std::vector<std::pair<std::string, std::string>> entries;
  ASSIGN_OR_RETURN(const Attributes map, Object(key));
  for (const auto& [name, value] : map.json().items()) {
    if (!value.is_string()) return map.Error(name, "is not a string");
    entries.emplace_back(name, value.get<std::string>());
  }
  return entries;
}

absl::StatusOr<std::vector<std::pair<std::string, double>>> Attributes::DoubleMap(
    std::string_view key) const {
  std::vector<std::pair<std::string, double>> entries;
  ASSIGN_OR_RETURN(const Attributes map, Object(key));
  for (const auto& [name, value] : map.json().items()) {
    if (!value.is_number()) return map.Error(name, "is not a number");
    entries.emplace_back(name, value.get<double>());
  }
  return entries;
}

absl::StatusOr<Attributes> Attributes::Object(std::string_view key) const {
  static const nlohmann::json& empty = *new nlohmann::json(nlohmann::json::object());
  const auto* value = Find(key);
  if (value != nullptr && !value->is_object()) return Error(key, "is not an object");
  return Attributes(value == nullptr ? empty : *value, PathOf(key));
}

}  // namespace bowerbird::machine
