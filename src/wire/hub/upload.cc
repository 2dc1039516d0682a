// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/upload.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/utf8.h"
#include "nlohmann/json.hpp"
#include "wire/hub/annotations.h"
#include "wire/hub/media_type.h"
#include "wire/hub/method_parameters.h"
#include "wire/machine/media.h"
#include "wire/machine/struct.h"
#include "wire/machine/time.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::app::datasync::v1;

// A name that comes from outside: UTF-8, without what would break a log line or an HTTP header.
absl::Status CheckName(std::string_view what, std::string_view name) {
  if (name.size() > kMaxNameBytes)
    return InvalidArgument("the " + std::string(what) + " has " + std::to_string(name.size()) +
                           " bytes; the limit is " + std::to_string(kMaxNameBytes));
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  if (std::any_of(name.begin(), name.end(), is_control))
    return InvalidArgument("the " + std::string(what) +
                           " has control characters: send it without them");
  return absl::OkStatus();
}

// ".jpg" of "/var/shots/a.jpg", "" of "/var/a.b/shot".
std::string_view ExtensionOf(std::string_view path) {
  const size_t slash = path.find_last_of("/\\");
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot);
}

std::string WithDot(std::string_view extension) {
  std::string dotted;
  if (!extension.empty() && extension.front() != '.') dotted = '.';
  return dotted += extension;
}

absl::StatusOr<data::Source> ReadSource(const proto::UploadMetadata& upload, const Origin& origin) {
  data::Source source;
  source.location_id = origin.location_id;
  source.robot_id = origin.robot_id;
  source.robot_name = origin.robot_name;
  source.part_id = origin.part_id;
  source.part_name = origin.part_name;
  source.component_type = upload.component_type();
  source.component_name = upload.component_name();
  source.method_name = upload.method_name();
  RETURN_IF_ERROR(CheckName("component type", source.component_type));
  RETURN_IF_ERROR(CheckName("component name", source.component_name));
  RETURN_IF_ERROR(CheckName("method name", source.method_name));
  ASSIGN_OR_RETURN(source.method_parameters, ReadMethodParameters(upload.method_parameters()));
  return source;
}

// What the upload says comes first, then its extension, then the content itself.
std::string MediaTypeOf(const proto::UploadMetadata& upload, const proto::SensorMetadata& sensor,
                        std::string_view extension, std::string_view begin) {
  if (!upload.mime_type().empty()) return std::string(WithoutLazy(upload.mime_type()));
  for (const std::string_view type : {MimeTypeName(sensor.mime_type()),
                                      MediaTypeOfExtension(extension), MediaTypeOfContent(begin)})
    if (!type.empty() && type != kUnknownMediaType) return std::string(type);
  return kUnknownMediaType;
}

// The first of `candidates` that is there.
absl::StatusOr<data::Time> FirstTime(
    std::initializer_list<std::pair<bool, const google::protobuf::Timestamp*>> candidates,
    data::Time otherwise) {
  for (const auto& [present, time] : candidates)
    if (present) return FromTimestamp(*time);
  return otherwise;
}

absl::Status ReadTimes(const proto::UploadMetadata& upload, const proto::SensorMetadata& sensor,
                       data::Time now, data::NewItem& item) {
  ASSIGN_OR_RETURN(item.time_requested,
                   FirstTime({{sensor.has_time_requested(), &sensor.time_requested()},
                              {upload.has_file_create_time(), &upload.file_create_time()},
                              {upload.has_file_modify_time(), &upload.file_modify_time()}},
                             now));
  ASSIGN_OR_RETURN(item.time_received,
                   FirstTime({{sensor.has_time_received(), &sensor.time_received()},
                              {upload.has_file_modify_time(), &upload.file_modify_time()}},
                             item.time_requested));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<data::NewItem> ReadItemUpload(const proto::UploadMetadata& upload,
                                             const proto::SensorMetadata& sensor,
                                             const Origin& origin, std::string_view begin,
                                             data::Time now) {
  data::NewItem item;
  ASSIGN_OR_RETURN(item.source, ReadSource(upload, origin));
  RETURN_IF_ERROR(CheckName("file name", upload.file_name()));
  RETURN_IF_ERROR(CheckName("file extension", upload.file_extension()));
  RETURN_IF_ERROR(CheckName("MIME type", upload.mime_type()));
  item.file_name = upload.file_name();
  item.file_extension = WithDot(upload.file_extension().empty() ? ExtensionOf(item.file_name)
                                                                : upload.file_extension());
  item.source.mime_type = MediaTypeOf(upload, sensor, item.file_extension, begin);
  if (item.file_extension.empty())
    item.file_extension = std::string(ExtensionOfMediaType(item.source.mime_type));
  RETURN_IF_ERROR(ReadTimes(upload, sensor, now, item));
  item.tags.assign(upload.tags().begin(), upload.tags().end());
  item.dataset_ids.assign(upload.dataset_ids().begin(), upload.dataset_ids().end());
  item.annotations = ReadAnnotations(sensor.annotations());
  return item;
}

absl::StatusOr<UploadKind> KindOfUpload(const proto::DataCaptureUploadRequest& request) {
  if (request.sensor_contents().empty())
    return InvalidArgument("the upload holds no data: give at least one of sensor_contents");
  bool binary = false;
  bool tabular = false;
  for (const proto::SensorData& data : request.sensor_contents()) {
    // Empty bytes and no data at all look alike to some clients: both are an empty file.
    (data.has_struct_() ? tabular : binary) = true;
  }
  if (binary && tabular)
    return InvalidArgument("the upload holds binary and tabular data: send each on its own");
  const proto::DataType type = request.metadata().type();
  if (binary && type == proto::DATA_TYPE_TABULAR_SENSOR)
    return InvalidArgument("the upload says that it is tabular, but holds binary data");
  if (tabular && type != proto::DATA_TYPE_TABULAR_SENSOR && type != proto::DATA_TYPE_UNSPECIFIED)
    return InvalidArgument("the upload says that it is binary, but holds tabular data");
  return binary ? UploadKind::kBinary : UploadKind::kTabular;
}

absl::StatusOr<ReadingsUpload> ReadReadingsUpload(const proto::DataCaptureUploadRequest& request,
                                                  const Origin& origin, data::Time now) {
  ReadingsUpload upload;
  ASSIGN_OR_RETURN(upload.source.source, ReadSource(request.metadata(), origin));
  upload.source.tags.assign(request.metadata().tags().begin(), request.metadata().tags().end());
  upload.readings.reserve(static_cast<size_t>(request.sensor_contents_size()));
  for (const proto::SensorData& from : request.sensor_contents()) {
    const proto::SensorMetadata& sensor = from.metadata();
    data::NewReading& reading = upload.readings.emplace_back();
    ASSIGN_OR_RETURN(reading.time_requested,
                     FirstTime({{sensor.has_time_requested(), &sensor.time_requested()}}, now));
    ASSIGN_OR_RETURN(
        reading.time_received,
        FirstTime({{sensor.has_time_received(), &sensor.time_received()}}, reading.time_requested));
    ASSIGN_OR_RETURN(const nlohmann::json payload, JsonFromStruct(from.struct_()));
    reading.payload = payload.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return upload;
}

}  // namespace bowerbird::wire
