// SPDX-License-Identifier: Apache-2.0
#include "machine/name.h"

#include <algorithm>
#include <vector>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

constexpr size_t kMaxNameLength = 60;

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsWordCharacter(char c) { return IsLetterOrDigit(c) || c == '-' || c == '_'; }

bool IsWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsWordCharacter);
}

std::vector<std::string_view> SplitAtColons(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

// Three words between colons, or nothing.
std::vector<std::string_view> Triplet(std::string_view text) {
  auto parts = SplitAtColons(text);
  if (parts.size() != 3 || !std::all_of(parts.begin(), parts.end(), IsWord)) return {};
  return parts;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string quoted(1, '"');
  quoted += text.substr(0, kShown);
  quoted += text.size() > kShown ? "...\"" : "\"";
  return quoted;
}

}  // namespace

absl::StatusOr<Api> Api::Parse(std::string_view text) {
  const auto parts = Triplet(text);
  if (parts.empty() || (parts[1] != "component" && parts[1] != "service")) {
    return InvalidArgument(Quoted(text) +
                           " is not an API: write namespace:component:subtype or "
                           "namespace:service:subtype, like \"rdk:component:camera\"");
  }
  return Api{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

absl::StatusOr<ResourceName> ResourceName::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) {
    return InvalidArgument(Quoted(text) +
                           " is not the full name of a resource: write API/name, like "
                           "\"rdk:component:camera/front\"");
  }
  ASSIGN_OR_RETURN(Api api, Api::Parse(text.substr(0, slash)));
  return ResourceName{std::move(api), std::string(text.substr(slash + 1))};
}

absl::StatusOr<ModelName> ModelName::Parse(std::string_view text) {
  if (IsWord(text)) return ModelName{"rdk", "builtin", std::string(text)};
  const auto parts = Triplet(text);
  if (parts.empty()) {
    return InvalidArgument(Quoted(text) +
                           " is not a model: write namespace:family:name, or the name alone for "
                           "rdk:builtin:name");
  }
  return ModelName{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

absl::Status CheckResourceName(std::string_view name) {
  if (name.size() <= kMaxNameLength && IsWord(name) && IsLetterOrDigit(name.front()))
    return absl::OkStatus();
  return InvalidArgument(Quoted(name) +
                         " is not a name: use 1 to 60 letters, digits, '-' and '_', the first a "
                         "letter or digit");
}

}  // namespace bowerbird::machine
