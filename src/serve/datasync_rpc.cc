// SPDX-License-Identifier: Apache-2.0
#include "serve/datasync_rpc.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "wire/hub/media_type.h"
#include "wire/hub/upload.h"

namespace bowerbird::serve {

namespace proto = viam::app::datasync::v1;

namespace {

constexpr char kServiceName[] = "viam.app.datasync.v1.DataSyncService";

// Datasets that an upload names and that do not exist never will: their ids are not given twice.
absl::Status AsUploadError(const absl::Status& status) {
  return absl::IsNotFound(status) ? InvalidArgument(MessageOf(status)) : status;
}

absl::Status MetadataFirst() {
  return InvalidArgument("the first message of an upload, and only the first, is its metadata");
}

}  // namespace

// One file that comes in pieces.
class DataSyncRpc::Incoming {
 public:
  Incoming(const DataSyncRpc& service, Call& call) : service_(service), call_(call) {}

  absl::Status Begin(const UploadMetadata& upload, const SensorMetadata& sensor) {
    if (content_ != nullptr) return MetadataFirst();
    ASSIGN_OR_RETURN(uploader_, service_.UploaderOf(call_, upload));
    upload_ = upload;
    sensor_ = sensor;
    // What cannot be stored is refused before anybody has sent it.
    RETURN_IF_ERROR(Item().status());
    ASSIGN_OR_RETURN(content_, service_.catalog().items().Receive());
    return absl::OkStatus();
  }

  absl::Status Append(std::string_view bytes) {
    if (content_ == nullptr) return MetadataFirst();
    if (content_->size() + bytes.size() > service_.max_item_bytes_)
      return InvalidArgument("the file has more than " + std::to_string(service_.max_item_bytes_) +
                             " bytes, the limit of one item: split it");
    if (begin_.size() < wire::kSniffedBytes)
      begin_ += bytes.substr(0, wire::kSniffedBytes - begin_.size());
    return content_->Append(bytes);
  }

  // After the last piece. A stream that broke off is none that ended.
  template <typename Response>
  absl::Status Finish(Response& response) {
    RETURN_IF_ERROR(call_.context().Check());
    if (content_ == nullptr) return MetadataFirst();
    ASSIGN_OR_RETURN(const data::NewItem item, Item());
    auto ingested = service_.catalog().items().Add(uploader_.caller, item, std::move(content_));
    if (!ingested.ok()) return AsUploadError(ingested.status());
    response.set_file_id(ingested->file_id);
    response.set_binary_data_id(ingested->id);
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<data::NewItem> Item() const {
    return wire::ReadItemUpload(upload_, sensor_, uploader_.origin, begin_, service_.hub().now());
  }

  const DataSyncRpc& service_;
  Call& call_;
  Uploader uploader_;
  UploadMetadata upload_;
  SensorMetadata sensor_;
  std::string begin_;
  std::unique_ptr<data::Upload> content_;
};

DataSyncRpc::DataSyncRpc(Admission& admission, Hub hub, uint64_t max_item_bytes)
    : HubRpc(kServiceName, admission, std::move(hub)), max_item_bytes_(max_item_bytes) {
  Unary<proto::DataCaptureUploadRequest, proto::DataCaptureUploadResponse>(
      "DataCaptureUpload", [this](Call& call, const auto& request, auto& response) {
        return TakeCapture(call, request, response);
      });
  ClientStream<proto::StreamingDataCaptureUploadRequest, proto::StreamingDataCaptureUploadResponse>(
      "StreamingDataCaptureUpload",
      [this](Call& call, const auto& receive, auto& response) -> absl::Status {
        Incoming incoming(*this, call);
        proto::StreamingDataCaptureUploadRequest request;
        while (receive(request)) {
          if (request.has_metadata()) {
            RETURN_IF_ERROR(incoming.Begin(request.metadata().upload_metadata(),
                                           request.metadata().sensor_metadata()));
          } else {
            RETURN_IF_ERROR(incoming.Append(request.data()));
          }
        }
        return incoming.Finish(response);
      });
  ClientStream<proto::FileUploadRequest, proto::FileUploadResponse>(
      "FileUpload", [this](Call& call, const auto& receive, auto& response) -> absl::Status {
        Incoming incoming(*this, call);
        proto::FileUploadRequest request;
        while (receive(request)) {
          if (request.has_metadata()) {
            RETURN_IF_ERROR(incoming.Begin(request.metadata(), {}));
          } else {
            RETURN_IF_ERROR(incoming.Append(request.file_contents().data()));
          }
        }
        return incoming.Finish(response);
      });
}

absl::StatusOr<Uploader> DataSyncRpc::UploaderOf(const Call& call,
                                                 const UploadMetadata& upload) const {
  if (upload.part_id().empty())
    return InvalidArgument("the upload names no part: set part_id to that of the machine's part");
  return hub().access.EnterForPart(call, upload.part_id());
}

absl::Status DataSyncRpc::TakeCapture(Call& call, const proto::DataCaptureUploadRequest& request,
                                      proto::DataCaptureUploadResponse& response) const {
  ASSIGN_OR_RETURN(const wire::UploadKind kind, wire::KindOfUpload(request));
  ASSIGN_OR_RETURN(const Uploader uploader, UploaderOf(call, request.metadata()));
  if (kind == wire::UploadKind::kBinary) return TakeBinary(uploader, request, response);
  ASSIGN_OR_RETURN(const wire::ReadingsUpload upload,
                   wire::ReadReadingsUpload(request, uploader.origin, hub().now()));
  ASSIGN_OR_RETURN(const std::string id,
                   catalog().readings().Add(uploader.caller, upload.source, upload.readings));
  response.set_file_id(id);
  return absl::OkStatus();
}

// One item for each of them; the answer has the ids of the first. All are looked at before any is
// stored; should the store fail in between, the client sends all again, and those that are there
// stay as they are.
absl::Status DataSyncRpc::TakeBinary(const Uploader& uploader,
                                     const proto::DataCaptureUploadRequest& request,
                                     proto::DataCaptureUploadResponse& response) const {
  const data::Time now = hub().now();
  std::vector<data::NewItem> items;
  for (const proto::SensorData& data : request.sensor_contents()) {
    ASSIGN_OR_RETURN(
        items.emplace_back(),
        wire::ReadItemUpload(request.metadata(), data.metadata(), uploader.origin,
                             std::string_view(data.binary()).substr(0, wire::kSniffedBytes), now));
  }
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string& content = request.sensor_contents(static_cast<int>(i)).binary();
    const auto ingested =
        catalog().items().Add(uploader.caller, items[i], std::string_view(content));
    if (!ingested.ok()) return AsUploadError(ingested.status());
    if (i > 0) continue;
    response.set_file_id(ingested->file_id);
    response.set_binary_data_id(ingested->id);
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::serve
