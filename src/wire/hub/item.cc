// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/item.h"

#include "base/status.h"
#include "base/utf8.h"
#include "nlohmann/json.hpp"
#include "wire/hub/annotations.h"
#include "wire/hub/method_parameters.h"
#include "wire/machine/struct.h"
#include "wire/machine/time.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::app::data::v1;

absl::Status WriteSource(std::string_view organization_id, const data::Source& source,
                         const std::vector<std::string>& tags, proto::CaptureMetadata& message) {
  message.set_organization_id(Utf8(organization_id));
  message.set_location_id(Utf8(source.location_id));
  message.set_robot_name(Utf8(source.robot_name));
  message.set_robot_id(Utf8(source.robot_id));
  message.set_part_name(Utf8(source.part_name));
  message.set_part_id(Utf8(source.part_id));
  message.set_component_type(Utf8(source.component_type));
  message.set_component_name(Utf8(source.component_name));
  message.set_method_name(Utf8(source.method_name));
  message.set_mime_type(Utf8(source.mime_type));
  for (const std::string& tag : tags) message.add_tags(Utf8(tag));
  return WriteMethodParameters(source.method_parameters, *message.mutable_method_parameters());
}

absl::Status WritePayload(const std::string& payload, google::protobuf::Struct& message) {
  const auto json = nlohmann::json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return Internal("a stored reading is no JSON object: check the database of this hub");
  return JsonToStruct(json, message);
}

// A file id and nothing else is a full id too: data::ParseItemId takes both.
std::string Joined(const proto::BinaryID& parts) {
  if (parts.organization_id().empty() && parts.location_id().empty()) return parts.file_id();
  return data::ItemIdOf(parts.organization_id(), parts.location_id(), parts.file_id());
}

absl::Status EmptyId() {
  return InvalidArgument(
      "an id is empty: give binary_data_id as it stands in the metadata of the item");
}

}  // namespace

absl::Status WriteItem(const data::Item& item, std::string_view uri,
                       proto::BinaryMetadata& message) {
  message.set_id(item.file_id);
  message.set_binary_data_id(Utf8(item.id));
  message.set_file_name(Utf8(item.file_name));
  message.set_file_ext(Utf8(item.file_extension));
  message.set_file_size_bytes(item.size);
  message.set_uri(std::string(uri));
  *message.mutable_time_requested() = ToTimestamp(item.time_requested);
  *message.mutable_time_received() = ToTimestamp(item.time_received);
  WriteAnnotations(item.annotations, *message.mutable_annotations());
  for (const std::string& id : item.dataset_ids) message.add_dataset_ids(id);
  return WriteSource(item.organization_id, item.source, item.tags,
                     *message.mutable_capture_metadata());
}

absl::Status WriteReadings(const data::ReadingPage& page,
                           proto::TabularDataByFilterResponse& message) {
  // All readings of a page are of one organization: the caller's.
  const std::string organization =
      page.readings.empty() ? std::string() : page.readings.front().organization_id;
  for (const data::ReadingSource& source : page.sources)
    RETURN_IF_ERROR(WriteSource(organization, source.source, source.tags, *message.add_metadata()));
  for (const data::Reading& reading : page.readings) {
    proto::TabularData& data = *message.add_data();
    data.set_metadata_index(reading.source_index);
    *data.mutable_time_requested() = ToTimestamp(reading.time_requested);
    *data.mutable_time_received() = ToTimestamp(reading.time_received);
    RETURN_IF_ERROR(WritePayload(reading.payload, *data.mutable_data()));
  }
  message.set_last(page.last);
  return absl::OkStatus();
}

absl::Status WriteReading(const data::ReadingSource& from, const data::Reading& reading,
                          proto::ExportTabularDataResponse& message) {
  const data::Source& source = from.source;
  message.set_part_id(Utf8(source.part_id));
  message.set_resource_name(Utf8(source.component_name));
  message.set_resource_subtype(Utf8(source.component_type));
  message.set_method_name(Utf8(source.method_name));
  *message.mutable_time_captured() = ToTimestamp(reading.time_requested);
  message.set_organization_id(Utf8(reading.organization_id));
  message.set_location_id(Utf8(source.location_id));
  message.set_robot_name(Utf8(source.robot_name));
  message.set_robot_id(Utf8(source.robot_id));
  message.set_part_name(Utf8(source.part_name));
  for (const std::string& tag : from.tags) message.add_tags(Utf8(tag));
  RETURN_IF_ERROR(
      WriteMethodParameters(source.method_parameters, *message.mutable_method_parameters()));
  return WritePayload(reading.payload, *message.mutable_payload());
}

absl::Status WriteReading(const data::Reading& reading,
                          proto::GetLatestTabularDataResponse& message) {
  *message.mutable_time_captured() = ToTimestamp(reading.time_requested);
  *message.mutable_time_synced() = ToTimestamp(reading.time_stored);
  return WritePayload(reading.payload, *message.mutable_payload());
}

absl::StatusOr<std::vector<std::string>> ReadItemIds(
    const google::protobuf::RepeatedPtrField<std::string>& ids,
    const google::protobuf::RepeatedPtrField<proto::BinaryID>& parts) {
  if (!ids.empty() && !parts.empty())
    return InvalidArgument("both binary_data_ids and binary_ids are given: use the first");
  std::vector<std::string> read(ids.begin(), ids.end());
  for (const proto::BinaryID& one : parts) read.push_back(Joined(one));
  if (read.empty())
    return InvalidArgument("no ids are given: name at least one item by its binary_data_id");
  for (const std::string& id : read)
    if (id.empty()) return EmptyId();
  return read;
}

absl::StatusOr<std::string> ReadItemId(const std::string& id, const proto::BinaryID& parts) {
  std::string read = id.empty() ? Joined(parts) : id;
  if (read.empty()) return EmptyId();
  return read;
}

}  // namespace bowerbird::wire
