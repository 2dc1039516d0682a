// SPDX-License-Identifier: Apache-2.0
#include "capture/uploader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/datasync/v1/data_sync.pb.h"
#include "base/status.h"
#include "capture/capture_file.h"
#include "capture/upload_call.h"
#include "grpcpp/grpcpp.h"
#include "wire/machine/time.h"

namespace bowerbird::capture {
namespace {

namespace proto = viam::app::datasync::v1;

std::string_view ExtensionOfMime(std::string_view mime) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kExtensions = {{
      {"image/jpeg", ".jpeg"},
      {"image/png", ".png"},
      {"image/vnd.viam.dep", ".dep"},
      {"image/vnd.viam.rgba", ".rgba"},
      {"pointcloud/pcd", ".pcd"},
      {"video/mp4", ".mp4"},
      {"audio/wav", ".wav"},
      {"audio/mpeg", ".mp3"},
  }};
  for (const auto& [name, extension] : kExtensions)
    if (name == mime) return extension;
  return "";
}

absl::StatusOr<proto::UploadMetadata> MetadataOf(const CaptureFileReader& reader,
                                                 const std::string& part_id) {
  proto::DataCaptureMetadata header;
  if (!header.ParseFromString(reader.header_message()))
    return absl::DataLossError("its first message is no header of a capture file");
  proto::UploadMetadata metadata;
  metadata.set_part_id(part_id);
  metadata.set_component_type(header.component_type());
  metadata.set_component_name(header.component_name());
  metadata.set_method_name(header.method_name());
  metadata.set_type(header.type());
  *metadata.mutable_method_parameters() = header.method_parameters();
  *metadata.mutable_tags() = header.tags();
  metadata.set_mime_type(header.mime_type());
  const std::string_view extension = ExtensionOfMime(header.mime_type());
  metadata.set_file_extension(extension.empty() ? header.file_extension() : std::string(extension));
  return metadata;
}

absl::Status Unreadable(uint64_t at) {
  return absl::DataLossError(
      ("at byte " + std::to_string(at) + ": the parts of a record are no messages").c_str());
}

google::protobuf::Timestamp ToTimestamp(std::chrono::sys_time<std::chrono::nanoseconds> time) {
  return wire::ToTimestamp(std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
}

}  // namespace

FileLabels LabelsOf(const std::string& path, const FileLabels& labels) {
  FileLabels all = labels;
  size_t begin = 0;
  for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', begin)) {
    const std::string folder = path.substr(begin, end - begin);
    if (folder.rfind("tag=", 0) == 0 && folder.size() > 4) all.tags.push_back(folder.substr(4));
    if (folder.rfind("dataset=", 0) == 0 && folder.size() > 8)
      all.dataset_ids.push_back(folder.substr(8));
    begin = end + 1;
  }
  return all;
}

// The records of one capture file on their way.
class Uploader::CaptureUpload {
 public:
  CaptureUpload(Uploader& uploader, const CaptureFileReader& reader, proto::UploadMetadata metadata,
                std::string token)
      : uploader_(uploader),
        reader_(reader),
        metadata_(std::move(metadata)),
        token_(std::move(token)) {}

  absl::Status SendBinary(const StoredRecord& record) {
    proto::SensorMetadata sensor;
    if (!sensor.ParseFromString(record.metadata)) return Unreadable(record.begin);
    if (record.payload_size <= kMaxUnaryBytes) return SendSmall(record, sensor);
    Call call(uploader_, token_, record.payload_size);
    ClientStream<proto::StreamingDataCaptureUploadRequest,
                 proto::StreamingDataCaptureUploadResponse>
        stream(*uploader_.hub_.channel, "StreamingDataCaptureUpload", call.context());
    proto::StreamingDataCaptureUploadRequest first;
    *first.mutable_metadata()->mutable_upload_metadata() = metadata_;
    *first.mutable_metadata()->mutable_sensor_metadata() = std::move(sensor);
    bool open = stream.Write(first);
    for (uint64_t done = 0; open && done < record.payload_size;) {
      const size_t size = std::min<uint64_t>(kChunkBytes, record.payload_size - done);
      proto::StreamingDataCaptureUploadRequest chunk;
      chunk.mutable_data()->resize(size);
      RETURN_IF_ERROR(reader_.ReadExactly(record.payload_offset + done, *chunk.mutable_data()));
      open = stream.Write(chunk);
      done += size;
      if (open) uploader_.sent_(size);
    }
    return stream.Finish();
  }

  // As many records as fit into one call; the rest in calls of their own.
  absl::Status AddTabular(const StoredRecord& record) {
    const uint64_t size = record.end - record.begin;
    if (bytes_ > 0 && bytes_ + size > kMaxTabularBytes) RETURN_IF_ERROR(SendTabular());
    proto::SensorData& data = *request_.add_sensor_contents();
    if (!data.mutable_metadata()->ParseFromString(record.metadata) ||
        !data.mutable_struct_()->ParseFromString(*record.fields)) {
      request_.mutable_sensor_contents()->RemoveLast();
      return Unreadable(record.begin);
    }
    bytes_ += size;
    return absl::OkStatus();
  }

  absl::Status SendTabular() {
    if (request_.sensor_contents().empty()) return absl::OkStatus();
    *request_.mutable_metadata() = metadata_;
    const absl::Status status = Send(bytes_);
    request_.Clear();
    bytes_ = 0;
    return status;
  }

 private:
  absl::Status SendSmall(const StoredRecord& record, proto::SensorMetadata& sensor) {
    request_.Clear();
    *request_.mutable_metadata() = metadata_;
    proto::SensorData& data = *request_.add_sensor_contents();
    *data.mutable_metadata() = std::move(sensor);
    data.mutable_binary()->resize(record.payload_size);
    RETURN_IF_ERROR(reader_.ReadExactly(record.payload_offset, *data.mutable_binary()));
    const absl::Status status = Send(record.payload_size);
    request_.Clear();
    return status;
  }

  absl::Status Send(uint64_t size) {
    Call call(uploader_, token_, size);
    proto::DataCaptureUploadResponse response;
    RETURN_IF_ERROR(CallUnary(*uploader_.hub_.channel, kDataSyncService, "DataCaptureUpload",
                              call.context(), request_, response));
    uploader_.sent_(size);
    return absl::OkStatus();
  }

  Uploader& uploader_;
  const CaptureFileReader& reader_;
  const proto::UploadMetadata metadata_;
  const std::string token_;
  proto::DataCaptureUploadRequest request_;
  uint64_t bytes_ = 0;
};

absl::StatusOr<std::string> Uploader::PartId() {
  if (hub_.configured_part) {
    std::string configured = hub_.configured_part();
    if (!configured.empty()) return configured;
  }
  MutexLock lock(part_mutex_);
  if (part_id_.empty()) part_id_ = hub_.part_id;
  if (part_id_.empty() && hub_.find_part) {
    ASSIGN_OR_RETURN(part_id_, hub_.find_part());
  }
  return part_id_;
}

absl::StatusOr<int> Uploader::UploadCapture(const std::string& path) {
  int records = 0;
  const absl::Status sent = WithToken([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto reader, CaptureFileReader::Open(files_, path));
    ASSIGN_OR_RETURN(const std::string part_id, PartId());
    ASSIGN_OR_RETURN(proto::UploadMetadata metadata, MetadataOf(*reader, part_id));
    ASSIGN_OR_RETURN(std::string token, Token());
    CaptureUpload upload(*this, *reader, std::move(metadata), std::move(token));
    records = 0;
    absl::Status damage;
    for (;;) {
      const auto record = reader->Next();
      if (absl::IsDataLoss(record.status())) {
        damage = record.status();
        break;
      }
      RETURN_IF_ERROR(record.status());
      if (!record->has_value()) break;
      ++records;
      RETURN_IF_ERROR((*record)->has_payload ? upload.SendBinary(**record)
                                             : upload.AddTabular(**record));
    }
    RETURN_IF_ERROR(upload.SendTabular());
    return Annotate(damage, std::to_string(records) + " whole records were sent; the rest");
  });
  if (!sent.ok()) return sent;
  return records;
}

absl::StatusOr<std::string> Uploader::UploadFile(const std::string& path,
                                                 const FileLabels& labels) {
  std::string id;
  const absl::Status sent = WithToken([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(path));
    ASSIGN_OR_RETURN(const auto file, files_.OpenForReading(path));
    ASSIGN_OR_RETURN(const std::string token, Token());
    proto::FileUploadRequest first;
    proto::UploadMetadata& metadata = *first.mutable_metadata();
    ASSIGN_OR_RETURN(*metadata.mutable_part_id(), PartId());
    metadata.set_type(proto::DATA_TYPE_FILE);
    metadata.set_file_name(path);
    const std::string name = path.substr(path.rfind('/') + 1);
    if (const size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0)
      metadata.set_file_extension(name.substr(dot));
    *metadata.mutable_file_create_time() = ToTimestamp(info.modified);
    *metadata.mutable_file_modify_time() = ToTimestamp(info.modified);
    const FileLabels all = LabelsOf(path, labels);
    for (const std::string& tag : all.tags) metadata.add_tags(tag);
    for (const std::string& dataset : all.dataset_ids) metadata.add_dataset_ids(dataset);
    Call call(*this, token, info.size);
    ClientStream<proto::FileUploadRequest, proto::FileUploadResponse> stream(
        *hub_.channel, "FileUpload", call.context());
    bool open = stream.Write(first);
    for (uint64_t done = 0; open && done < info.size;) {
      proto::FileUploadRequest chunk;
      std::string& data = *chunk.mutable_file_contents()->mutable_data();
      data.resize(std::min<uint64_t>(kChunkBytes, info.size - done));
      ASSIGN_OR_RETURN(const size_t got, file->ReadAt(done, data));
      if (got == 0) return Unavailable(path + ": it became shorter while it was sent");
      data.resize(got);
      open = stream.Write(chunk);
      done += got;
      if (open) sent_(got);
    }
    RETURN_IF_ERROR(stream.Finish());
    id = stream.response().binary_data_id();
    if (id.empty()) id = stream.response().file_id();
    return absl::OkStatus();
  });
  if (!sent.ok()) return sent;
  return id;
}

}  // namespace bowerbird::capture
