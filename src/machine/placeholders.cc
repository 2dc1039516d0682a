// SPDX-License-Identifier: Apache-2.0
#include "machine/placeholders.h"

#include <algorithm>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

// A short text may stand for a long one many times over.
constexpr size_t kMaxWritten = 16u << 20;
constexpr size_t kMaxWarnings = 100;
constexpr std::string_view kPackages = "packages.";
constexpr std::string_view kEnvironment = "environment.";

bool IsVariableCharacter(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (!first && c >= '0' && c <= '9');
}

// The length of the variable's name at the start of `text`; 0 if none stands there.
size_t VariableLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && IsVariableCharacter(text[length], length == 0)) ++length;
  return length;
}

bool IsViamPlaceholder(std::string_view body) {
  return body.starts_with(kPackages) || body.starts_with(kEnvironment);
}

std::string Literally(std::string_view body) { return "${" + std::string(body) + "}"; }

}  // namespace

struct Placeholders::Place {
  const Place* parent = nullptr;
  const std::string* key = nullptr;  // null: an element of a list
  size_t index = 0;

  std::string Text() const {
    if (parent == nullptr) return *key;
    const std::string before = parent->Text();
    if (key == nullptr) return before + "[" + std::to_string(index) + "]";
    return before.empty() ? *key : before + "." + *key;
  }
};

std::string PackagePath(const std::string& packages_dir, const PackageConfig& package) {
  std::string id = package.package;
  std::replace(id.begin(), id.end(), '/', '-');
  std::string version = package.version;
  std::replace(version.begin(), version.end(), '.', '_');
  return packages_dir + "/data/" + package.type + "/" + id + "-" + version;
}

void Placeholders::Warn(const Place& place, const std::string& what) {
  if (warnings_.size() >= kMaxWarnings) return;
  const std::string where = place.Text();
  warnings_.push_back(where.empty() ? what : where + ": " + what);
}

std::string Placeholders::PackageValue(std::string_view body, const Place& place) {
  const std::string_view rest = body.substr(kPackages.size());
  const size_t dot = rest.find('.');
  const std::string_view type = dot == std::string_view::npos ? "" : rest.substr(0, dot);
  const std::string_view name = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
  const PackageConfig* chosen = nullptr;
  for (const auto& package : packages_) {
    if (package.name != name || !package.problem.ok()) continue;
    if (!type.empty() && package.type != type) continue;
    // Without a type a model is meant, if there is one of that name.
    if (chosen == nullptr || (chosen->type != "ml_model" && package.type == "ml_model"))
      chosen = &package;
  }
  if (chosen != nullptr) return PackagePath(packages_dir_, *chosen);
  Warn(place,
       "the placeholder " + Literally(body) + " stays as it is: no such entry in \"packages\"");
  return Literally(body);
}

std::string Placeholders::VariableValue(std::string_view body, const Place& place) {
  const size_t length = VariableLength(body);
  const std::string name(body.substr(0, length));
  const std::string_view rest = body.substr(length);
  if (length == 0 || !(rest.empty() || rest.starts_with(":-") || rest.starts_with("-"))) {
    Warn(place, "the placeholder " + Literally(body) +
                    " stays as it is: write ${VAR}, ${VAR:-default}, ${environment.VAR} or "
                    "${packages.NAME}");
    return Literally(body);
  }
  const auto value = variable_(name);
  if (rest.starts_with(":-"))
    return value && !value->empty() ? *value : std::string(rest.substr(2));
  if (rest.starts_with("-")) return value ? *value : std::string(rest.substr(1));
  if (!value) Warn(place, "the variable " + name + " is not set: nothing stands in its place");
  return value.value_or("");
}

std::string Placeholders::Value(std::string_view body, const Place& place) {
  if (body.starts_with(kPackages)) return PackageValue(body, place);
  if (!body.starts_with(kEnvironment)) return VariableValue(body, place);
  const std::string name(body.substr(kEnvironment.size()));
  if (const auto value = variable_(name)) return *value;
  Warn(place, "the placeholder " + Literally(body) + " stays as it is: the variable is not set");
  return Literally(body);
}

absl::StatusOr<std::string> Placeholders::ReplaceInString(std::string_view text,
                                                          const Place& place) {
  std::string out;
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    const bool doubled = text.starts_with("$${");
    if (!doubled && !text.starts_with("${")) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const size_t open = doubled ? 3 : 2;
    const size_t close = text.find('}');
    if (close == std::string_view::npos) {
      out += text;
      break;
    }
    const std::string_view body = text.substr(open, close - open);
    out += doubled && !IsViamPlaceholder(body) ? Literally(body) : Value(body, place);
    text.remove_prefix(close + 1);
    if (written_ + out.size() > kMaxWritten) break;
  }
  written_ += out.size();
  if (written_ > kMaxWritten) {
    return ResourceExhausted(place.Text() + ": the placeholders stand for more than " +
                             std::to_string(kMaxWritten) + " bytes in all");
  }
  return out;
}

absl::Status Placeholders::Walk(nlohmann::json& value, const Place& place) {
  if (value.is_string()) {
    auto& text = value.get_ref<std::string&>();
    if (text.find('$') == std::string::npos) return absl::OkStatus();
    ASSIGN_OR_RETURN(text, ReplaceInString(text, place));
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) RETURN_IF_ERROR(Walk(value[i], {&place, nullptr, i}));
  } else if (value.is_object()) {
    for (auto it = value.begin(); it != value.end(); ++it)
      RETURN_IF_ERROR(Walk(it.value(), {&place, &it.key(), 0}));
  }
  return absl::OkStatus();
}

absl::Status Placeholders::ReplaceIn(nlohmann::json& value, const std::string& path) {
  return Walk(value, Place{nullptr, &path, 0});
}

absl::StatusOr<std::string> Placeholders::ReplaceOutsideStrings(std::string_view json_text) {
  static const std::string& no_path = *new std::string;
  const Place place{nullptr, &no_path, 0};
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < json_text.size(); ++i) {
    const char c = json_text[i];
    if (in_string && c == '\\' && i + 1 < json_text.size()) {
      out += json_text.substr(i++, 2);
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || !json_text.substr(i).starts_with("${")) {
      out += c;
      continue;
    }
    const size_t close = json_text.find('}', i);
    const size_t end = close == std::string_view::npos ? json_text.size() : close + 1;
    ASSIGN_OR_RETURN(const std::string value, ReplaceInString(json_text.substr(i, end - i), place));
    out += value;
    i = end - 1;
  }
  return out;
}

}  // namespace bowerbird::machine
