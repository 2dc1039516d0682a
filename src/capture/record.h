// SPDX-License-Identifier: Apache-2.0
//
// What is captured, as values: one record of a method of a resource, and the header that is common
// to all records of one capture file (docs/formats/capture-file.md).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "image/picture.h"
#include "machine/resource.h"
#include "nlohmann/json.hpp"

namespace bowerbird::capture {

using Json = nlohmann::json;
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// The clock of names and records; may jump.
using Clock = Time (*)();
Time SystemNow();

enum class DataKind { kBinary = 1, kTabular = 2 };  // the numbers of the wire

struct CaptureHeader {
  std::string component_type;  // "rdk:component:camera"
  std::string component_name;
  std::string method_name;
  DataKind kind = DataKind::kTabular;
  Json parameters = Json::object();  // as configured
  std::string file_extension;        // with its dot; "" = by the MIME type, at upload
  std::vector<std::string> tags;
  std::string mime_type;  // binary only

  friend bool operator==(const CaptureHeader&, const CaptureHeader&) = default;
};

struct Record {
  Time requested{}, received{};
  std::vector<machine::Annotation> annotations;
  Json readings;                                  // tabular: an object
  std::string bytes;                              // binary
  std::shared_ptr<const image::Picture> picture;  // binary, instead of bytes; shared with a cache

  std::string_view payload() const {
    return picture == nullptr ? std::string_view(bytes) : std::string_view(picture->bytes());
  }
};

// A record with the header of the file that it belongs into.
struct Captured {
  CaptureHeader header;
  Record record;
};

// The length-delimited message of a header. INVALID_ARGUMENT: parameters that the wire cannot hold.
absl::StatusOr<std::string> EncodeHeader(const CaptureHeader& header);

// Everything of a record's length-delimited message that stands before its binary payload; for
// tabular records all of it. INVALID_ARGUMENT: no times, an empty payload, readings that are no
// object or that the wire cannot hold.
absl::StatusOr<std::string> EncodeRecordHead(DataKind kind, const Record& record);

// INVALID_ARGUMENT: not a header, or one without component, method or type.
absl::StatusOr<CaptureHeader> DecodeHeader(std::string_view message);

}  // namespace bowerbird::capture
