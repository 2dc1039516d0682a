// SPDX-License-Identifier: Apache-2.0
#include "machine/api_service.h"

#include <array>
#include <string_view>
#include <utility>

#include "machine/audio.h"
#include "machine/board.h"
#include "machine/motor.h"

namespace bowerbird::machine {

std::string ProtoServiceOf(const Api& api) {
  static constexpr std::array<std::pair<const Api*, std::string_view>, 12> kServices = {{
      {&kCameraApi, "viam.component.camera.v1.CameraService"},
      {&kSensorApi, "viam.component.sensor.v1.SensorService"},
      {&kGenericComponentApi, "viam.component.generic.v1.GenericService"},
      {&kMotorApi, "viam.component.motor.v1.MotorService"},
      {&kBoardApi, "viam.component.board.v1.BoardService"},
      {&kAudioInApi, "viam.component.audioin.v1.AudioInService"},
      {&kAudioOutApi, "viam.component.audioout.v1.AudioOutService"},
      {&kGenericServiceApi, "viam.service.generic.v1.GenericService"},
      {&kMlModelApi, "viam.service.mlmodel.v1.MLModelService"},
      {&kVisionApi, "viam.service.vision.v1.VisionService"},
      {&kDataManagerApi, "viam.service.datamanager.v1.DataManagerService"},
      {&kDiscoveryApi, "viam.service.discovery.v1.DiscoveryService"},
  }};
  for (const auto& [known, service] : kServices)
    if (*known == api) return std::string(service);
  return "";
}

}  // namespace bowerbird::machine
