// SPDX-License-Identifier: Apache-2.0
//
// google.protobuf.Struct and Value, the wire's free-form objects, to and from JSON values.
//
// What must be known about numbers: the wire has doubles only.
//   to JSON    a whole number up to 2^53 becomes a JSON integer, so that 3 does not turn into 3.0
//   from JSON  an integer beyond 2^53 is rounded to the nearest double; ids of that size must
//              travel as strings
//   NaN and infinities: the wire's definition forbids them and clients throw on them, so they leave
//              as the strings "NaN", "Infinity", "-Infinity" (protobuf's own JSON spelling);
//              those that arrive stay numbers, for range checks to refuse.
#pragma once

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "nlohmann/json.hpp"

namespace bowerbird::wire {

// Objects and lists inside one another. Protobuf's parsers stop at 100 nested messages, and one
// level of objects takes three: deeper values could be written but not read by any client.
inline constexpr int kMaxStructDepth = 32;

// INVALID_ARGUMENT: nested too deeply.
absl::StatusOr<nlohmann::json> JsonFromStruct(const google::protobuf::Struct& object);
absl::StatusOr<nlohmann::json> JsonFromValue(const google::protobuf::Value& value);

// INVALID_ARGUMENT: nested too deeply, not an object (for Struct), or raw bytes.
// `object` and `value` are overwritten; after an error they hold something unspecified.
absl::Status JsonToStruct(const nlohmann::json& json, google::protobuf::Struct& object);
absl::Status JsonToValue(const nlohmann::json& json, google::protobuf::Value& value);

}  // namespace bowerbird::wire
