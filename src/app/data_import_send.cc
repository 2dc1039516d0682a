// SPDX-License-Identifier: Apache-2.0
#include "app/data_import_send.h"

#include <filesystem>

#include "app/data_import_settle.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

namespace sync = viam::app::datasync::v1;

constexpr uint64_t kLargestUnary = 1'000'000;
constexpr size_t kPiece = 64 * 1024;

}  // namespace

absl::StatusOr<SentFile> PictureSender::Send(const annotation::AnnotatedImage& image) const {
  const std::string path = PathOf(image);
  ASSIGN_OR_RETURN(const auto file, files_->OpenForReading(path));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  ASSIGN_OR_RETURN(const FileInfo info, files_->Stat(path));
  sync::UploadMetadata upload;
  upload.set_part_id(part_id_);
  upload.set_type(sync::DATA_TYPE_BINARY_SENSOR);
  upload.set_file_name(image.path);
  upload.set_file_extension(std::filesystem::path(image.path).extension().string());
  for (const auto* tags : {&options_.tags, &image.tags}) {
    for (const std::string& tag : *tags) upload.add_tags(tag);
  }
  for (const std::string& id : options_.dataset_ids) upload.add_dataset_ids(id);
  sync::SensorMetadata sensor;
  const auto nanoseconds = info.modified.time_since_epoch().count();
  sensor.mutable_time_requested()->set_seconds(nanoseconds / 1'000'000'000);
  sensor.mutable_time_requested()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
  *sensor.mutable_time_received() = run_;
  FillAnnotations(image.annotations, *sensor.mutable_annotations());
  SentFile sent{.id = "", .bytes = size};
  if (size <= kLargestUnary) {
    ASSIGN_OR_RETURN(sent.id, SendWhole(*file, size, upload, sensor));
  } else {
    ASSIGN_OR_RETURN(sent.id, SendInPieces(*file, upload, sensor));
  }
  return sent;
}

absl::StatusOr<std::string> PictureSender::SendWhole(const ReadableFile& file, uint64_t size,
                                                     const sync::UploadMetadata& upload,
                                                     const sync::SensorMetadata& sensor) const {
  sync::DataCaptureUploadRequest request;
  *request.mutable_metadata() = upload;
  auto& data = *request.add_sensor_contents();
  *data.mutable_metadata() = sensor;
  data.mutable_binary()->resize(size);
  ASSIGN_OR_RETURN(const size_t bytes, file.ReadAt(0, *data.mutable_binary()));
  data.mutable_binary()->resize(bytes);
  sync::DataCaptureUploadResponse response;
  RETURN_IF_ERROR(
      hub_.Call("/viam.app.datasync.v1.DataSyncService/DataCaptureUpload", request, response));
  return response.binary_data_id();
}

absl::StatusOr<std::string> PictureSender::SendInPieces(const ReadableFile& file,
                                                        const sync::UploadMetadata& upload,
                                                        const sync::SensorMetadata& sensor) const {
  uint64_t offset = 0;
  bool first = true;
  const auto next = [&](sync::StreamingDataCaptureUploadRequest& request) -> absl::StatusOr<bool> {
    if (first) {
      first = false;
      *request.mutable_metadata()->mutable_upload_metadata() = upload;
      *request.mutable_metadata()->mutable_sensor_metadata() = sensor;
      return true;
    }
    request.mutable_data()->resize(kPiece);
    ASSIGN_OR_RETURN(const size_t bytes, file.ReadAt(offset, *request.mutable_data()));
    request.mutable_data()->resize(bytes);
    offset += bytes;
    return bytes > 0;
  };
  sync::StreamingDataCaptureUploadResponse response;
  RETURN_IF_ERROR(hub_.Write<sync::StreamingDataCaptureUploadRequest>(
      "/viam.app.datasync.v1.DataSyncService/StreamingDataCaptureUpload", next, response));
  return response.binary_data_id();
}

}  // namespace bowerbird::app
