// SPDX-License-Identifier: Apache-2.0
//
// bowerbird.v1.AnnotationService
#pragma once

#include "serve/hub_rpc.h"

namespace bowerbird::serve {

class AnnotationRpc : public HubRpc {
 public:
  AnnotationRpc(Admission& admission, Hub hub);

 private:
  void AddReading();
};

}  // namespace bowerbird::serve
