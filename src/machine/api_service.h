// SPDX-License-Identifier: Apache-2.0
//
// The gRPC services behind the APIs that this program knows.
#pragma once

#include <string>

#include "machine/name.h"

namespace bowerbird::machine {

// Their resources come from modules and remotes only; what they read is asked for as of a sensor.
inline const Api kMovementSensorApi{"rdk", "component", "movement_sensor"};
inline const Api kPowerSensorApi{"rdk", "component", "power_sensor"};

// "rdk:component:camera" -> "viam.component.camera.v1.CameraService"; "" for APIs that this program
// does not know: calls of these are forwarded to whoever has the resource.
std::string ProtoServiceOf(const Api& api);

}  // namespace bowerbird::machine
