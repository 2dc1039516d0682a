// SPDX-License-Identifier: Apache-2.0
#include "serve/sensor_rpc.h"

#include "base/status.h"
#include "base/utf8.h"
#include "common/v1/common.pb.h"
#include "wire/machine/struct.h"

namespace bowerbird::serve {

namespace proto = viam::common::v1;
using machine::Json;

SensorRpc::SensorRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.sensor.v1.SensorService", admission, finder,
                  machine::kSensorApi) {
  Unary<proto::GetReadingsRequest, proto::GetReadingsResponse>(
      "GetReadings",
      [this](Call& call, const proto::GetReadingsRequest& request,
             proto::GetReadingsResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto sensor, Find<machine::Sensor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const Json readings, sensor->GetReadings(call.context(), extra));
        if (!readings.is_object())
          return Internal("sensor " + request.name() + " gave readings that are not an object");
        for (const auto& [key, value] : readings.items()) {
          auto& out = (*response.mutable_readings())[Utf8(key)];
          RETURN_IF_ERROR(Annotate(wire::JsonToValue(value, out), "reading " + key));
        }
        return absl::OkStatus();
      });
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
}

}  // namespace bowerbird::serve
