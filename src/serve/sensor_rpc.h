// SPDX-License-Identifier: Apache-2.0
//
// viam.component.sensor.v1.SensorService
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class SensorRpc : public ResourceRpc {
 public:
  SensorRpc(Admission& admission, const machine::ResourceFinder& finder);
};

}  // namespace bowerbird::serve
