// SPDX-License-Identifier: Apache-2.0
#include "serve/data_manager_rpc.h"

#include "base/status.h"
#include "service/datamanager/v1/data_manager.pb.h"

namespace bowerbird::serve {

namespace proto = viam::service::datamanager::v1;

namespace {

std::string ExtensionOf(viam::app::datasync::v1::MimeType type) {
  switch (type) {
    case viam::app::datasync::v1::MIME_TYPE_IMAGE_JPEG:
      return ".jpeg";
    case viam::app::datasync::v1::MIME_TYPE_IMAGE_PNG:
      return ".png";
    case viam::app::datasync::v1::MIME_TYPE_APPLICATION_PCD:
      return ".pcd";
    case viam::app::datasync::v1::MIME_TYPE_VIDEO_MP4:
      return ".mp4";
    default:
      return "";
  }
}

}  // namespace

DataManagerRpc::DataManagerRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.service.datamanager.v1.DataManagerService", admission, finder,
                  machine::kDataManagerApi) {
  Unary<proto::SyncRequest, proto::SyncResponse>(
      "Sync",
      [this](Call& call, const proto::SyncRequest& request, proto::SyncResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto manager, Find<machine::DataManager>(request.name()));
        ASSIGN_OR_RETURN(const auto extra, ReadExtra(request.extra(), call.context()));
        return manager->Sync(call.context(), extra);
      });
  Unary<proto::UploadBinaryDataToDatasetsRequest, proto::UploadBinaryDataToDatasetsResponse>(
      "UploadBinaryDataToDatasets",
      [this](Call& call, const proto::UploadBinaryDataToDatasetsRequest& request,
             proto::UploadBinaryDataToDatasetsResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto manager, Find<machine::DataManager>(request.name()));
        machine::BinaryUpload upload;
        upload.bytes = request.binary_data();
        upload.tags.assign(request.tags().begin(), request.tags().end());
        upload.dataset_ids.assign(request.dataset_ids().begin(), request.dataset_ids().end());
        upload.file_extension = ExtensionOf(request.mime_type());
        return manager->UploadBinaryToDatasets(call.context(), upload);
      });
  AddDoCommand();
  AddGetStatus();
}

}  // namespace bowerbird::serve
