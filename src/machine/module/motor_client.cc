// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "component/motor/v1/motor.pb.h"
#include "machine/module/proto_fields.h"
#include "machine/module/resource_client.h"
#include "machine/motor.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::component::motor::v1;

class MotorClient : public ResourceClient, public Motor {
 public:
  using ResourceClient::ResourceClient;

  absl::Status SetPower(const Context& context, double fraction, const Json& extra) override {
    proto::SetPowerRequest request;
    request.set_power_pct(fraction);
    return Do<proto::SetPowerResponse>(context, "SetPower", request, extra);
  }
  absl::Status GoFor(const Context& context, double rpm, double revolutions,
                     const Json& extra) override {
    proto::GoForRequest request;
    request.set_rpm(rpm);
    request.set_revolutions(revolutions);
    return Do<proto::GoForResponse>(context, "GoFor", request, extra);
  }
  absl::Status GoTo(const Context& context, double rpm, double position,
                    const Json& extra) override {
    proto::GoToRequest request;
    request.set_rpm(rpm);
    request.set_position_revolutions(position);
    return Do<proto::GoToResponse>(context, "GoTo", request, extra);
  }
  absl::Status SetRpm(const Context& context, double rpm, const Json& extra) override {
    proto::SetRPMRequest request;
    request.set_rpm(rpm);
    return Do<proto::SetRPMResponse>(context, "SetRPM", request, extra);
  }
  absl::Status ResetZeroPosition(const Context& context, double offset,
                                 const Json& extra) override {
    proto::ResetZeroPositionRequest request;
    request.set_offset(offset);
    return Do<proto::ResetZeroPositionResponse>(context, "ResetZeroPosition", request, extra);
  }
  absl::StatusOr<double> GetPosition(const Context& context, const Json& extra) override {
    proto::GetPositionRequest request;
    ASSIGN_OR_RETURN(const auto response,
                     Ask<proto::GetPositionResponse>(context, "GetPosition", request, extra));
    return response.position();
  }
  absl::StatusOr<bool> ReportsPosition(const Context& context, const Json& extra) override {
    proto::GetPropertiesRequest request;
    ASSIGN_OR_RETURN(const auto response,
                     Ask<proto::GetPropertiesResponse>(context, "GetProperties", request, extra));
    return response.position_reporting();
  }
  absl::StatusOr<MotorPower> IsPowered(const Context& context, const Json& extra) override {
    proto::IsPoweredRequest request;
    ASSIGN_OR_RETURN(const auto response,
                     Ask<proto::IsPoweredResponse>(context, "IsPowered", request, extra));
    return MotorPower{response.is_on(), response.power_pct()};
  }
  absl::StatusOr<bool> IsMoving(const Context& context) override {
    proto::IsMovingRequest request;
    proto::IsMovingResponse response;
    RETURN_IF_ERROR(Call(context, "IsMoving", request, response));
    return response.is_moving();
  }

 private:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const Context& context, const std::string& method, Request& request,
                               const Json& extra) const {
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    Response response;
    RETURN_IF_ERROR(Call(context, method, request, response));
    return response;
  }
  template <typename Response, typename Request>
  absl::Status Do(const Context& context, const std::string& method, Request& request,
                  const Json& extra) const {
    return Ask<Response>(context, method, request, extra).status();
  }
};

}  // namespace

std::shared_ptr<Resource> MakeMotorClient(ResourceAddress address) {
  return std::make_shared<MotorClient>(std::move(address));
}

}  // namespace bowerbird::machine
