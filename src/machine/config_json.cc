// SPDX-License-Identifier: Apache-2.0
#include "machine/config_json.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

using Json = nlohmann::json;

// "3:17" of the byte at `offset`.
std::string LineAndColumn(std::string_view text, size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t last_break = before.rfind('\n');
  const size_t column = before.size() - (last_break == std::string_view::npos ? 0 : last_break + 1);
  return std::to_string(line) + ":" + std::to_string(column + 1);
}

// The library's message without its own account of the position.
std::string Cause(std::string message) {
  if (const size_t column = message.find("column "); column != std::string::npos) {
    if (const size_t colon = message.find(": ", column); colon != std::string::npos)
      return message.substr(colon + 2);
  }
  if (const size_t bracket = message.find("] "); bracket != std::string::npos)
    return message.substr(bracket + 2);
  return message;
}

// Goes through the text once without building anything, and stops at the first fault.
class Checker : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  const std::string& fault() const { return fault_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }

  bool start_object(size_t) override {
    keys_.emplace_back();
    return CheckDepth();
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(size_t) override {
    keys_.emplace_back();
    return CheckDepth();
  }
  bool end_array() override {
    keys_.pop_back();
    return true;
  }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    fault_ = "the key \"" + name.substr(0, 80) + "\" stands twice in one object";
    return false;
  }
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& exception) override {
    // `position` counts the bytes read: up to the byte that is wrong, or to the end of a token that
    // is right in itself and out of place.
    const std::string cause = Cause(exception.what());
    const bool out_of_place = cause.find("unexpected ") != std::string::npos;
    const size_t start = position - std::min(position, out_of_place ? token.size() : 1);
    fault_ = LineAndColumn(text_, start) + ": not valid JSON: " + cause;
    return false;
  }

 private:
  bool CheckDepth() {
    if (keys_.size() <= kMaxConfigDepth) return true;
    fault_ = "nested deeper than " + std::to_string(kMaxConfigDepth) + " levels";
    return false;
  }

  const std::string_view text_;
  std::string fault_;
  std::vector<std::set<std::string>> keys_;  // of each open object (empty for arrays)
};

}  // namespace

absl::StatusOr<Json> ParseConfigJson(std::string_view text, std::string_view file_name) {
  const std::string file(file_name);
  if (text.size() > kMaxConfigBytes) {
    return InvalidArgument(file + ": has " + std::to_string(text.size()) +
                           " bytes, more than the allowed " + std::to_string(kMaxConfigBytes));
  }
  Checker checker(text);
  if (!Json::sax_parse(text, &checker)) {
    const bool positioned =
        !checker.fault().empty() && checker.fault()[0] >= '0' && checker.fault()[0] <= '9';
    return InvalidArgument(file + (positioned ? ":" : ": ") + checker.fault());
  }
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace bowerbird::machine
