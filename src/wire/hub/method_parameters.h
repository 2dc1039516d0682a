// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a captured method: on the wire a map to google.protobuf.Any, here the text of a
// JSON object in canonical form (keys sorted, no white space), which is what is stored, compared
// and given out again.
//
// Machines wrap each parameter into the wrapper type of its kind (StringValue, BoolValue,
// Int64Value, DoubleValue, ...); Struct, Value and ListValue are read as well. A value of another
// type is kept as {"@type": URL, "hex": BYTES} and given back as it came.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/map.h"
#include "google/protobuf/struct.pb.h"

namespace bowerbird::wire {

using AnyMap = google::protobuf::Map<std::string, google::protobuf::Any>;

// More than any capture sends, little enough to be kept with every source.
inline constexpr size_t kMaxMethodParameters = 65536;

// INVALID_ARGUMENT names the parameter that cannot be read; also if there is too much of them.
absl::StatusOr<std::string> ReadMethodParameters(const AnyMap& parameters);
absl::StatusOr<std::string> ReadMethodParameters(const google::protobuf::Struct& parameters);

// `json`: as the functions above made it. INTERNAL if it is not such a text.
absl::Status WriteMethodParameters(std::string_view json, AnyMap& parameters);
absl::Status WriteMethodParameters(std::string_view json, google::protobuf::Struct& parameters);

}  // namespace bowerbird::wire
