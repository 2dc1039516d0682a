// SPDX-License-Identifier: Apache-2.0
//
// Typed reading of a resource's `attributes`. Every error names the JSON path, the value found and
// what is allowed: `components[2].attributes.width_px: "wide" is not a whole number from 1 to
// 10000`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace bowerbird::machine {

// A value as JSON on one line, cut after 80 characters.
std::string ShownInError(const nlohmann::json& value);

class Attributes {
 public:
  // `json` must outlive this; `path` names it in errors, e.g. "components[2].attributes"; "" = top.
  Attributes(const nlohmann::json& json, std::string path) : json_(json), path_(std::move(path)) {}

  const nlohmann::json& json() const { return json_; }
  const std::string& path() const { return path_; }
  bool Has(std::string_view key) const;  // present and not null

  // Absent or null: the default, or nullopt, or for Required* an error.
  absl::StatusOr<std::string> RequiredString(std::string_view key) const;  // and not empty
  absl::StatusOr<std::string> String(std::string_view key, std::string default_value = "") const;
  absl::StatusOr<bool> Bool(std::string_view key, bool default_value) const;
  // Whole numbers; 3.0 counts as 3.
  absl::StatusOr<int64_t> Int(std::string_view key, int64_t default_value, int64_t min,
                              int64_t max) const;
  absl::StatusOr<double> Double(std::string_view key, double default_value, double min,
                                double max) const;
  // One of `allowed`.
  absl::StatusOr<std::string> Choice(std::string_view key, std::string_view default_value,
                                     const std::vector<std::string_view>& allowed) const;
  absl::StatusOr<std::vector<double>> Doubles(std::string_view key) const;
  absl::StatusOr<std::vector<std::string>> Strings(std::string_view key) const;
  // An object of strings / numbers.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> StringMap(
      std::string_view key) const;
  absl::StatusOr<std::vector<std::pair<std::string, double>>> DoubleMap(std::string_view key) const;
  // A nested object; absent: an empty one.
  absl::StatusOr<Attributes> Object(std::string_view key) const;

  // "components[2].attributes.width_px"
  std::string PathOf(std::string_view key) const;

  // INVALID_ARGUMENT "`path`.`key`: `value` `problem`".
  absl::Status Error(std::string_view key, std::string_view problem) const;

 private:
  const nlohmann::json* Find(std::string_view key) const;

  const nlohmann::json& json_;
  std::string path_;
};

}  // namespace bowerbird::machine
