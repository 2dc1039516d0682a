// SPDX-License-Identifier: Apache-2.0
//
// viam.component.motor.v1.MotorService
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class MotorRpc : public ResourceRpc {
 public:
  MotorRpc(Admission& admission, const machine::ResourceFinder& finder);

 private:
  // Each registers the calls of one concern.
  void AddMotions();
  void AddQuestions();
};

}  // namespace bowerbird::serve
