// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "google/protobuf/util/json_util.h"

namespace bowerbird::app {

// A message in protobuf's JSON, with the field names of the .proto files, in one line.
inline std::string JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  return status.ok() ? text : "{}";
}

}  // namespace bowerbird::app
