// SPDX-License-Identifier: Apache-2.0
//
// viam.service.vision.v1.VisionService
#pragma once

#include "serve/resource_rpc.h"

namespace viam::service::vision::v1 {
class CaptureAllFromCameraRequest;
class CaptureAllFromCameraResponse;
}  // namespace viam::service::vision::v1

namespace bowerbird::serve {

class VisionRpc : public ResourceRpc {
 public:
  // Phases are counted under the name of the vision service. `metrics` outlives the server.
  VisionRpc(Admission& admission, const machine::ResourceFinder& finder, Metrics& metrics);

 private:
  void AddDetections();
  void AddClassifications();
  void AddObjectPointClouds();
  void AddGetProperties();
  absl::Status CaptureAll(Call& call,
                          const viam::service::vision::v1::CaptureAllFromCameraRequest& request,
                          viam::service::vision::v1::CaptureAllFromCameraResponse& response) const;

  Metrics& metrics_;
};

}  // namespace bowerbird::serve
