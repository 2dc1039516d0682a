// SPDX-License-Identifier: Apache-2.0
#include "machine/module/resource_client.h"

#include "base/status.h"
#include "common/v1/common.pb.h"
#include "machine/api_service.h"
#include "machine/audio.h"
#include "machine/board.h"
#include "machine/module/proto_fields.h"
#include "machine/motor.h"
#include "wire/machine/struct.h"

namespace bowerbird::machine {
namespace {

namespace common = viam::common::v1;

class SensorClient : public ResourceClient, public Sensor {
 public:
  using ResourceClient::ResourceClient;

  absl::StatusOr<Json> GetReadings(const Context& context, const Json& extra) override {
    common::GetReadingsRequest request;
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    common::GetReadingsResponse response;
    RETURN_IF_ERROR(Call(context, "GetReadings", request, response));
    Json readings = Json::object();
    for (const auto& [name, value] : response.readings()) {
      ASSIGN_OR_RETURN(readings[name], wire::JsonFromValue(value));
    }
    return readings;
  }
};

class GenericComponentClient : public ResourceClient, public GenericComponent {
 public:
  using ResourceClient::ResourceClient;
};

class GenericServiceClient : public ResourceClient, public GenericService {
 public:
  using ResourceClient::ResourceClient;
};

}  // namespace

absl::StatusOr<Json> ResourceClient::DoCommand(const Context& context, const Json& command) {
  common::DoCommandRequest request;
  RETURN_IF_ERROR(wire::JsonToStruct(command, *request.mutable_command()));
  common::DoCommandResponse response;
  RETURN_IF_ERROR(Call(context, "DoCommand", request, response));
  return wire::JsonFromStruct(response.result());
}

absl::StatusOr<Json> ResourceClient::GetStatus(const Context& context) {
  common::GetStatusRequest request;
  common::GetStatusResponse response;
  const absl::Status status = Call(context, "GetStatus", request, response);
  if (absl::IsUnimplemented(status)) return Json::object();
  RETURN_IF_ERROR(status);
  return wire::JsonFromStruct(response.result());
}

absl::Status ResourceClient::Stop(const Context& context) {
  // In every API that moves something, Stop takes the name as field 1, and nothing that is needed.
  common::GetStatusRequest request;
  common::GetStatusResponse response;
  const absl::Status status = Call(context, "Stop", request, response);
  return absl::IsUnimplemented(status) ? absl::OkStatus() : status;
}

absl::StatusOr<std::shared_ptr<Resource>> MakeResourceClient(const Context& context,
                                                             ResourceAddress address) {
  const Api& api = address.name.api;
  if (api == kCameraApi) return MakeCameraClient(std::move(address));
  if (api == kMotorApi) return MakeMotorClient(std::move(address));
  if (api == kBoardApi) return MakeBoardClient(std::move(address));
  if (api == kAudioInApi) return MakeAudioInClient(std::move(address));
  if (api == kAudioOutApi) return MakeAudioOutClient(std::move(address));
  if (api == kVisionApi) return MakeVisionClient(std::move(address));
  if (api == kMlModelApi) return MakeMlModelClient(context, std::move(address));
  if (api == kSensorApi || api == kMovementSensorApi || api == kPowerSensorApi)
    return std::make_shared<SensorClient>(std::move(address));
  if (api == kGenericComponentApi)
    return std::make_shared<GenericComponentClient>(std::move(address));
  if (api == kGenericServiceApi) return std::make_shared<GenericServiceClient>(std::move(address));
  return std::make_shared<ResourceClient>(std::move(address));
}

}  // namespace bowerbird::machine
