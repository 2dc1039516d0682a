// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/method_parameters.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "base/sha256.h"
#include "base/status.h"
#include "base/utf8.h"
#include "google/protobuf/wrappers.pb.h"
#include "nlohmann/json.hpp"
#include "wire/machine/struct.h"

namespace bowerbird::wire {
namespace {

using google::protobuf::Any;
using nlohmann::json;

constexpr char kTypeKey[] = "@type";
constexpr char kBytesKey[] = "hex";

std::string Hex(const std::string& bytes) {
  return HexOf({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

std::optional<std::string> FromHex(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const size_t high = kDigits.find(text[i]);
    const size_t low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

// JSON has no spelling for these, so they become text, as they do on the wire (struct.h).
json Number(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return number;
}

template <typename Wrapper>
absl::StatusOr<Wrapper> Unpack(const Any& any) {
  Wrapper wrapper;
  if (!any.UnpackTo(&wrapper))
    return InvalidArgument("it is no " + Wrapper::descriptor()->full_name() +
                           ", though it says so: send the bytes of that message");
  return wrapper;
}

// One wrapper type whose value is a JSON value as it stands.
template <typename Wrapper>
absl::StatusOr<std::optional<json>> TryScalar(const Any& any) {
  if (!any.Is<Wrapper>()) return std::optional<json>();
  ASSIGN_OR_RETURN(const Wrapper wrapper, Unpack<Wrapper>(any));
  if constexpr (std::is_floating_point_v<std::decay_t<decltype(wrapper.value())>>) {
    return std::optional<json>(Number(static_cast<double>(wrapper.value())));
  } else {
    return std::optional<json>(json(wrapper.value()));
  }
}

template <typename... Wrappers>
absl::StatusOr<std::optional<json>> TryScalars(const Any& any) {
  absl::StatusOr<std::optional<json>> found = std::optional<json>();
  const auto is_settled = [&found] { return !found.ok() || found->has_value(); };
  ((found = TryScalar<Wrappers>(any), is_settled()) || ...);
  return found;
}

absl::StatusOr<json> FromAny(const Any& any) {
  namespace proto = google::protobuf;
  ASSIGN_OR_RETURN(
      std::optional<json> scalar,
      (TryScalars<proto::StringValue, proto::BoolValue, proto::Int64Value, proto::DoubleValue,
                  proto::Int32Value, proto::UInt64Value, proto::UInt32Value, proto::FloatValue>(
          any)));
  if (scalar.has_value()) return *std::move(scalar);
  if (any.Is<proto::Struct>()) {
    ASSIGN_OR_RETURN(const auto object, Unpack<proto::Struct>(any));
    return JsonFromStruct(object);
  }
  proto::Value value;
  if (any.Is<proto::ListValue>()) {
    ASSIGN_OR_RETURN(*value.mutable_list_value(), Unpack<proto::ListValue>(any));
    return JsonFromValue(value);
  }
  if (any.Is<proto::Value>()) {
    ASSIGN_OR_RETURN(value, Unpack<proto::Value>(any));
    return JsonFromValue(value);
  }
  return json{{kTypeKey, Utf8(any.type_url())}, {kBytesKey, Hex(any.value())}};
}

// Sorted keys come with nlohmann's own object type. Numbers that JSON cannot spell were replaced
// above or, inside of objects, are written as null by dump.
absl::StatusOr<std::string> Canonical(const json& object) {
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMaxMethodParameters)
    return InvalidArgument("the method parameters have " + std::to_string(text.size()) +
                           " bytes as JSON; the limit is " + std::to_string(kMaxMethodParameters));
  return text;
}

absl::StatusOr<json> Parse(std::string_view text) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    return Internal(
        "stored method parameters are no JSON object: check the store with "
        "`bowerbird data verify`");
  return object;
}

bool IsForeign(const json& value) {
  return value.is_object() && value.size() == 2 && value.contains(kTypeKey) &&
         value[kTypeKey].is_string() && value.contains(kBytesKey) && value[kBytesKey].is_string();
}

template <typename Wrapper, typename T>
void Pack(const T& value, Any& any) {
  Wrapper wrapper;
  wrapper.set_value(value);
  any.PackFrom(wrapper);
}

// Gives a value of a foreign type back as it came. An object that only looks like one is left.
bool Unhide(const json& value, Any& any) {
  const auto bytes = FromHex(value[kBytesKey].get_ref<const std::string&>());
  if (!bytes.has_value()) return false;
  Any hidden;
  hidden.set_type_url(value[kTypeKey].get<std::string>());
  hidden.set_value(*bytes);
  const auto again = FromAny(hidden);
  if (!again.ok() || *again != value) return false;
  any = std::move(hidden);
  return true;
}

absl::Status ToAny(const json& value, Any& any) {
  namespace proto = google::protobuf;
  if (IsForeign(value) && Unhide(value, any)) return absl::OkStatus();
  switch (value.type()) {
    case json::value_t::string:
      Pack<proto::StringValue>(Utf8(value.get_ref<const std::string&>()), any);
      return absl::OkStatus();
    case json::value_t::boolean:
      Pack<proto::BoolValue>(value.get<bool>(), any);
      return absl::OkStatus();
    case json::value_t::number_unsigned:
      if (value.get<uint64_t>() <= INT64_MAX) break;
      Pack<proto::UInt64Value>(value.get<uint64_t>(), any);
      return absl::OkStatus();
    case json::value_t::number_float:
      Pack<proto::DoubleValue>(value.get<double>(), any);
      return absl::OkStatus();
    default:
      break;
  }
  if (value.is_number_integer()) {
    Pack<proto::Int64Value>(value.get<int64_t>(), any);
    return absl::OkStatus();
  }
  proto::Value wrapper;
  RETURN_IF_ERROR(JsonToValue(value, wrapper));
  if (wrapper.has_struct_value()) {
    any.PackFrom(wrapper.struct_value());
  } else {
    any.PackFrom(wrapper);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadMethodParameters(const AnyMap& parameters) {
  json object = json::object();
  for (const auto& [name, any] : parameters) {
    auto value = FromAny(any);
    if (!value.ok()) return Annotate(value.status(), "the method parameter \"" + Utf8(name) + "\"");
    object[Utf8(name)] = *std::move(value);
  }
  return Canonical(object);
}

absl::StatusOr<std::string> ReadMethodParameters(const google::protobuf::Struct& parameters) {
  ASSIGN_OR_RETURN(const json object, JsonFromStruct(parameters));
  return Canonical(object);
}

absl::Status WriteMethodParameters(std::string_view text, AnyMap& parameters) {
  ASSIGN_OR_RETURN(const json object, Parse(text));
  parameters.clear();
  for (const auto& [name, value] : object.items()) RETURN_IF_ERROR(ToAny(value, parameters[name]));
  return absl::OkStatus();
}

absl::Status WriteMethodParameters(std::string_view text, google::protobuf::Struct& parameters) {
  ASSIGN_OR_RETURN(const json object, Parse(text));
  return JsonToStruct(object, parameters);
}

}  // namespace bowerbird::wire
