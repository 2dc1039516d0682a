// SPDX-License-Identifier: Apache-2.0
//
// viam.component.camera.v1.CameraService, with the calls GetImage and RenderFrame of older clients.
#pragma once

#include <string>

#include "serve/resource_rpc.h"

namespace viam::component::camera::v1 {
class GetImagesRequest;
class GetImagesResponse;
class GetPropertiesRequest;
class GetPropertiesResponse;
}  // namespace viam::component::camera::v1

namespace bowerbird::serve {

class CameraRpc : public ResourceRpc {
 public:
  CameraRpc(Admission& admission, const machine::ResourceFinder& finder);

 private:
  absl::Status GetImages(Call& call, const viam::component::camera::v1::GetImagesRequest& request,
                         viam::component::camera::v1::GetImagesResponse& response) const;
  absl::Status GetProperties(Call& call,
                             const viam::component::camera::v1::GetPropertiesRequest& request,
                             viam::component::camera::v1::GetPropertiesResponse& response) const;
  void AddOlderCalls();

  struct Encoded {
    std::string mime;
    std::string bytes;
  };
  // The camera's first picture as `mime`; as the camera has it where that is empty.
  absl::StatusOr<Encoded> FirstImage(Context& context, const std::string& name,
                                     const google::protobuf::Struct& extra,
                                     std::string_view mime) const;
};

}  // namespace bowerbird::serve
