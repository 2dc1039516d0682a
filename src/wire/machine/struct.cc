// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/struct.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird::wire {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;
using nlohmann::json;

constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53

absl::Status TooDeep() {
  return InvalidArgument("the object is nested deeper than " + std::to_string(kMaxStructDepth) +
                         " levels: send it flatter, or as a JSON text in one string");
}

json NumberFromDouble(double number) {
  const bool whole = std::abs(number) <= kLargestExactInteger && std::trunc(number) == number;
  const bool negative_zero = number == 0 && std::signbit(number);
  if (whole && !negative_zero) return static_cast<int64_t>(number);
  return number;
}

// `depth` counts the containers around this value; each function below checks it before it opens
// another one, which bounds the recursion.
absl::Status FromValue(const Value& value, int depth, json& out);

absl::Status FromStruct(const Struct& object, int depth, json& out) {
  if (depth >= kMaxStructDepth) return TooDeep();
  out = json::object();
  for (const auto& [key, value] : object.fields())
    RETURN_IF_ERROR(FromValue(value, depth + 1, out[key]));
  return absl::OkStatus();
}

absl::Status FromList(const ListValue& list, int depth, json& out) {
  if (depth >= kMaxStructDepth) return TooDeep();
  out = json::array();
  for (const Value& value : list.values()) {
    out.push_back(nullptr);
    RETURN_IF_ERROR(FromValue(value, depth + 1, out.back()));
  }
  return absl::OkStatus();
}

absl::Status FromValue(const Value& value, int depth, json& out) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      out = NumberFromDouble(value.number_value());
      return absl::OkStatus();
    case Value::kStringValue:
      out = value.string_value();
      return absl::OkStatus();
    case Value::kBoolValue:
      out = value.bool_value();
      return absl::OkStatus();
    case Value::kStructValue:
      return FromStruct(value.struct_value(), depth, out);
    case Value::kListValue:
      return FromList(value.list_value(), depth, out);
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  out = nullptr;
  return absl::OkStatus();
}

void WriteNumber(double number, Value& value) {
  if (std::isnan(number)) {
    value.set_string_value("NaN");
  } else if (std::isinf(number)) {
    value.set_string_value(number > 0 ? "Infinity" : "-Infinity");
  } else {
    value.set_number_value(number);
  }
}

absl::Status ToValue(const json& from, int depth, Value& value);

absl::Status ToStruct(const json& from, int depth, Struct& object) {
  if (depth >= kMaxStructDepth) return TooDeep();
  object.Clear();
  auto& fields = *object.mutable_fields();
  for (const auto& [key, item] : from.items())
    RETURN_IF_ERROR(ToValue(item, depth + 1, fields[Utf8(key)]));
  return absl::OkStatus();
}

absl::Status ToList(const json& from, int depth, ListValue& list) {
  if (depth >= kMaxStructDepth) return TooDeep();
  list.Clear();
  for (const json& item : from) RETURN_IF_ERROR(ToValue(item, depth + 1, *list.add_values()));
  return absl::OkStatus();
}

absl::Status ToValue(const json& from, int depth, Value& value) {
  switch (from.type()) {
    case json::value_t::null:
      value.set_null_value(google::protobuf::NULL_VALUE);
      return absl::OkStatus();
    case json::value_t::boolean:
      value.set_bool_value(from.get<bool>());
      return absl::OkStatus();
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      WriteNumber(from.get<double>(), value);
      return absl::OkStatus();
    case json::value_t::string:
      value.set_string_value(Utf8(from.get_ref<const std::string&>()));
      return absl::OkStatus();
    case json::value_t::object:
      return ToStruct(from, depth, *value.mutable_struct_value());
    case json::value_t::array:
      return ToList(from, depth, *value.mutable_list_value());
    case json::value_t::binary:
    case json::value_t::discarded:
      break;
  }
  return InvalidArgument("raw bytes cannot travel in a free-form object: send them as base64 text");
}

}  // namespace

absl::StatusOr<json> JsonFromStruct(const Struct& object) {
  json out;
  RETURN_IF_ERROR(FromStruct(object, 0, out));
  return out;
}

absl::StatusOr<json> JsonFromValue(const Value& value) {
  json out;
  RETURN_IF_ERROR(FromValue(value, 0, out));
  return out;
}

absl::Status JsonToStruct(const json& from, Struct& object) {
  if (!from.is_object())
    return InvalidArgument(std::string("a free-form object is wanted, not a JSON ") +
                           from.type_name());
  return ToStruct(from, 0, object);
}

absl::Status JsonToValue(const json& from, Value& value) { return ToValue(from, 0, value); }

}  // namespace bowerbird::wire
