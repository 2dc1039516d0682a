// SPDX-License-Identifier: Apache-2.0
//
// bowerbird.v1.UpkeepService
#pragma once

#include "serve/hub_rpc.h"

namespace bowerbird::serve {

class UpkeepRpc : public HubRpc {
 public:
  UpkeepRpc(Admission& admission, Hub hub);
};

}  // namespace bowerbird::serve
