// SPDX-License-Identifier: Apache-2.0
//
// Placeholders in the strings of a config (docs/formats/machine-config.md, "Placeholders"):
//   ${packages.NAME}  ${packages.TYPE.NAME}      the folder of a package
//   ${environment.VAR}  ${VAR}  ${VAR:-default}  a variable
// A second dollar sign before ${packages and ${environment is tolerated; before anything else it
// keeps the braces as they are.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "machine/config.h"
#include "nlohmann/json.hpp"

namespace bowerbird::machine {

// The folder of a package:
// `packages_dir`/data/ml_model/acme-people-1_0 for package "acme/people", version "1.0".
std::string PackagePath(const std::string& packages_dir, const PackageConfig& package);

class Placeholders {
 public:
  // All arguments must outlive this. `variable` is never empty.
  Placeholders(const std::function<std::optional<std::string>(const std::string&)>& variable,
               const std::string& packages_dir, const std::vector<PackageConfig>& packages)
      : variable_(variable), packages_dir_(packages_dir), packages_(packages) {}

  // Replaces variables outside of string literals, so that `"width_px": ${WIDTH:-640}` is a number.
  absl::StatusOr<std::string> ReplaceOutsideStrings(std::string_view json_text);

  // Replaces in every string below `value`, which stands at `path`. What replaces is not searched
  // again. RESOURCE_EXHAUSTED when the result would outgrow 16 MiB.
  absl::Status ReplaceIn(nlohmann::json& value, const std::string& path);

  // What could not be replaced, with its path; at most 100.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Place;  // where in the document, rendered only when there is something to say

  absl::Status Walk(nlohmann::json& value, const Place& place);
  absl::StatusOr<std::string> ReplaceInString(std::string_view text, const Place& place);
  // What stands for "${`body`}".
  std::string Value(std::string_view body, const Place& place);
  std::string VariableValue(std::string_view body, const Place& place);
  std::string PackageValue(std::string_view body, const Place& place);
  void Warn(const Place& place, const std::string& what);

  const std::function<std::optional<std::string>(const std::string&)>& variable_;
  const std::string& packages_dir_;
  const std::vector<PackageConfig>& packages_;
  size_t written_ = 0;  // bytes of all results so far
  std::vector<std::string> warnings_;
};

}  // namespace bowerbird::machine
