// SPDX-License-Identifier: Apache-2.0
//
// viam.app.datasync.v1.DataSyncService: how machines and SDKs bring what they have captured.
//
// An upload that is answered is durable; one that is sent again changes nothing and gets the same
// ids. Content goes to the store as it comes: a stream of any length takes the memory of one
// message. Codes are chosen by what clients do with them: INVALID_ARGUMENT, "never send this
// again", is for what can never succeed; a full disk is RESOURCE_EXHAUSTED and a part that is not
// known (yet) NOT_FOUND, which they try again.
#pragma once

#include <memory>
#include <string>

#include "app/datasync/v1/data_sync.pb.h"
#include "serve/hub_rpc.h"

namespace bowerbird::serve {

class DataSyncRpc : public HubRpc {
 public:
  static constexpr uint64_t kMaxItemBytes = uint64_t{4} << 30;

  DataSyncRpc(Admission& admission, Hub hub, uint64_t max_item_bytes = kMaxItemBytes);

 private:
  using UploadMetadata = viam::app::datasync::v1::UploadMetadata;
  using SensorMetadata = viam::app::datasync::v1::SensorMetadata;

  class Incoming;

  absl::StatusOr<Uploader> UploaderOf(const Call& call, const UploadMetadata& upload) const;
  absl::Status TakeCapture(Call& call,
                           const viam::app::datasync::v1::DataCaptureUploadRequest& request,
                           viam::app::datasync::v1::DataCaptureUploadResponse& response) const;
  absl::Status TakeBinary(const Uploader& uploader,
                          const viam::app::datasync::v1::DataCaptureUploadRequest& request,
                          viam::app::datasync::v1::DataCaptureUploadResponse& response) const;

  const uint64_t max_item_bytes_;
};

}  // namespace bowerbird::serve
