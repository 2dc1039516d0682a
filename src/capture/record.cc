// SPDX-License-Identifier: Apache-2.0
#include "capture/record.h"

#include <utility>

#include "app/datasync/v1/data_sync.pb.h"
#include "base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "wire/machine/findings.h"
#include "wire/machine/struct.h"
#include "wire/machine/time.h"

namespace bowerbird::capture {
namespace {

namespace proto = viam::app::datasync::v1;
using google::protobuf::io::CodedOutputStream;

constexpr uint32_t kBinaryTag = 3 << 3 | 2;  // SensorData.binary

std::string Varint(uint64_t value) {
  uint8_t buffer[10];
  const uint8_t* const end = CodedOutputStream::WriteVarint64ToArray(value, buffer);
  return {reinterpret_cast<const char*>(buffer), static_cast<size_t>(end - buffer)};
}

google::protobuf::Timestamp ToTimestamp(Time time) {
  return wire::ToTimestamp(std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
}

absl::Status CheckRecord(DataKind kind, const Record& record) {
  if (record.requested == Time() || record.received == Time())
    return InvalidArgument("the reading has no times of request and receipt");
  if (kind == DataKind::kBinary && record.payload().empty())
    return InvalidArgument("the reading is empty: there is nothing to store");
  if (kind == DataKind::kTabular && !record.readings.is_object())
    return InvalidArgument("the readings are no object of names and values");
  return absl::OkStatus();
}

}  // namespace

Time SystemNow() { return std::chrono::system_clock::now(); }

absl::StatusOr<std::string> EncodeHeader(const CaptureHeader& header) {
  proto::DataCaptureMetadata message;
  message.set_component_type(header.component_type);
  message.set_component_name(header.component_name);
  message.set_method_name(header.method_name);
  message.set_type(static_cast<proto::DataType>(header.kind));
  for (const auto& [key, value] : header.parameters.items()) {
    google::protobuf::Value packed;
    RETURN_IF_ERROR(Annotate(wire::JsonToValue(value, packed), "additional_params." + key));
    (*message.mutable_method_parameters())[key].PackFrom(packed);
  }
  message.set_file_extension(header.file_extension);
  for (const std::string& tag : header.tags) message.add_tags(tag);
  message.set_mime_type(header.mime_type);
  const std::string bytes = message.SerializeAsString();
  return Varint(bytes.size()) + bytes;
}

absl::StatusOr<std::string> EncodeRecordHead(DataKind kind, const Record& record) {
  RETURN_IF_ERROR(CheckRecord(kind, record));
  proto::SensorData message;
  proto::SensorMetadata& metadata = *message.mutable_metadata();
  *metadata.mutable_time_requested() = ToTimestamp(record.requested);
  *metadata.mutable_time_received() = ToTimestamp(record.received);
  for (const auto& annotation : record.annotations)
    wire::AddAnnotation(annotation.label, annotation.confidence, annotation.box,
                        *metadata.mutable_annotations());
  if (kind == DataKind::kTabular) {
    RETURN_IF_ERROR(wire::JsonToStruct(record.readings, *message.mutable_struct_()));
    const std::string bytes = message.SerializeAsString();
    return Varint(bytes.size()) + bytes;
  }
  // The payload is the last field, so that it can be written, and read, without a copy.
  const std::string begin =
      message.SerializeAsString() + Varint(kBinaryTag) + Varint(record.payload().size());
  return Varint(begin.size() + record.payload().size()) + begin;
}

absl::StatusOr<CaptureHeader> DecodeHeader(std::string_view bytes) {
  proto::DataCaptureMetadata message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return InvalidArgument("its first message is no header of a capture file");
  if (message.component_type().empty() || message.component_name().empty() ||
      message.method_name().empty())
    return InvalidArgument("its header names no component or no method");
  if (message.type() != proto::DATA_TYPE_BINARY_SENSOR &&
      message.type() != proto::DATA_TYPE_TABULAR_SENSOR)
    return InvalidArgument("its header says neither binary nor tabular (type " +
                           std::to_string(message.type()) + ")");
  CaptureHeader header;
  header.component_type = message.component_type();
  header.component_name = message.component_name();
  header.method_name = message.method_name();
  header.kind = static_cast<DataKind>(message.type());
  for (const auto& [key, packed] : message.method_parameters()) {
    google::protobuf::Value value;
    if (!packed.UnpackTo(&value)) continue;  // of another program; passed on as it is, at upload
    ASSIGN_OR_RETURN(header.parameters[key], wire::JsonFromValue(value));
  }
  header.file_extension = message.file_extension();
  header.tags.assign(message.tags().begin(), message.tags().end());
  header.mime_type = message.mime_type();
  return header;
}

}  // namespace bowerbird::capture
