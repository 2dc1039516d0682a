// SPDX-License-Identifier: Apache-2.0
//
// viam.service.vision.v1.VisionService. (Phases are counted by the vision services themselves.)
#pragma once

#include "serve/resource_rpc.h"

namespace viam::service::vision::v1 {
class CaptureAllFromCameraRequest;
class CaptureAllFromCameraResponse;
}  // namespace viam::service::vision::v1

namespace bowerbird::serve {

class VisionRpc : public ResourceRpc {
 public:
  VisionRpc(Admission& admission, const machine::ResourceFinder& finder);

 private:
  void AddDetections();
  void AddClassifications();
  void AddObjectPointClouds();
  void AddGetProperties();
  absl::Status CaptureAll(Call& call,
                          const viam::service::vision::v1::CaptureAllFromCameraRequest& request,
                          viam::service::vision::v1::CaptureAllFromCameraResponse& response) const;
};

}  // namespace bowerbird::serve
