// SPDX-License-Identifier: Apache-2.0
//
// BSON documents (bsonspec.org, version 1.1), written only: the wire sends rows of a query so.
//
// (nlohmann writes BSON, too, but has no times, which rows of readings are full of.)
//
// Used like a JSON writer: elements in order, documents and arrays opened and closed. Integers that
// fit 32 bits are written as such, as all drivers of that format do. Names end at their first NUL,
// which the format cannot hold; text is made UTF-8.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::wire {

class BsonWriter {
 public:
  BsonWriter();

  void Null(std::string_view name);
  void Bool(std::string_view name, bool value);
  void Integer(std::string_view name, int64_t value);
  void Double(std::string_view name, double value);
  void Text(std::string_view name, std::string_view value);
  void Bytes(std::string_view name, std::string_view value);
  // Milliseconds are all the format has; the rest is cut off towards the past.
  void Time(std::string_view name, std::chrono::sys_time<std::chrono::nanoseconds> value);
  // Objects, arrays and scalars of any depth that JSON text of this program can have.
  // INVALID_ARGUMENT: nested deeper than kMaxStructDepth.
  absl::Status Json(std::string_view name, const nlohmann::json& value);

  void BeginDocument(std::string_view name);
  void BeginArray(std::string_view name);  // elements are named "0", "1", ...
  void End();

  // The document; every BeginDocument and BeginArray must have been ended. Once.
  std::string Take();

 private:
  void Name(uint8_t type, std::string_view name);
  void Open();
  absl::Status WriteJson(std::string_view name, const nlohmann::json& value, int depth);

  std::string bytes_;
  std::vector<size_t> open_;  // where the lengths of the open documents stand
};

}  // namespace bowerbird::wire
