// SPDX-License-Identifier: Apache-2.0
#include "serve/machine_services.h"

#include "serve/audio_in_rpc.h"
#include "serve/audio_out_rpc.h"
#include "serve/board_rpc.h"
#include "serve/camera_rpc.h"
#include "serve/data_manager_rpc.h"
#include "serve/discovery_rpc.h"
#include "serve/generic_rpc.h"
#include "serve/kserve_rpc.h"
#include "serve/mlmodel_rpc.h"
#include "serve/motor_rpc.h"
#include "serve/robot_rpc.h"
#include "serve/sensor_rpc.h"
#include "serve/vision_rpc.h"

namespace bowerbird::serve {

std::vector<std::unique_ptr<RpcService>> MakeMachineServices(
    const MachineServicesOptions& options) {
  Admission& admission = options.admission;
  const machine::ResourceFinder& finder = options.machine;
  std::vector<std::unique_ptr<RpcService>> services;
  services.push_back(std::make_unique<RobotRpc>(
      admission,
      RobotRpcOptions{options.machine, options.operations, options.sessions, options.version,
                      options.shutdown, options.modules, options.remotes}));
  services.push_back(std::make_unique<CameraRpc>(admission, finder));
  services.push_back(std::make_unique<SensorRpc>(admission, finder));
  services.push_back(std::make_unique<MotorRpc>(admission, finder));
  services.push_back(std::make_unique<BoardRpc>(admission, finder));
  services.push_back(std::make_unique<AudioInRpc>(admission, finder));
  services.push_back(std::make_unique<AudioOutRpc>(admission, finder));
  services.push_back(std::make_unique<GenericComponentRpc>(admission, finder));
  services.push_back(std::make_unique<GenericServiceRpc>(admission, finder));
  services.push_back(std::make_unique<MlModelRpc>(admission, finder, options.metrics));
  services.push_back(std::make_unique<KServeRpc>(
      admission, KServeOptions{finder, options.metrics, options.version,
                               [&machine = options.machine] { return machine.Status().running; }}));
  services.push_back(std::make_unique<VisionRpc>(admission, finder));
  services.push_back(std::make_unique<DataManagerRpc>(admission, finder));
  services.push_back(std::make_unique<DiscoveryRpc>(admission, finder));
  return services;
}

}  // namespace bowerbird::serve
