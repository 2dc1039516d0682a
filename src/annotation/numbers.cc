// SPDX-License-Identifier: Apache-2.0
#include "annotation/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxDigits = 64;  // of a number that somebody meant
constexpr double kWholeTolerance = 1e-6;

}  // namespace

std::string_view Trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<double> ParseNumber(std::string_view text) {
  text = Trimmed(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.size() > kMaxDigits) return std::nullopt;
  std::array<char, kMaxDigits> digits{};
  std::copy(text.begin(), text.end(), digits.begin());
  char* const end = digits.data() + text.size();
  char* const comma = std::find(digits.data(), end, ',');
  if (comma != end) {
    if (std::find(digits.data(), end, '.') != end) return std::nullopt;
    *comma = '.';
  }
  double value = 0;
  const auto [stopped, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stopped != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseWhole(std::string_view text) {
  const std::optional<double> value = ParseNumber(text);
  if (!value.has_value() || *value < 0 || *value > 9e15 || *value != std::floor(*value)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*value);
}

std::string NumberText(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

std::string PixelText(double pixels) {
  const double whole = std::round(pixels);
  return NumberText(std::abs(pixels - whole) < kWholeTolerance ? std::abs(whole) : pixels);
}

}  // namespace bowerbird::annotation
