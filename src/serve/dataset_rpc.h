// SPDX-License-Identifier: Apache-2.0
//
// viam.app.dataset.v1.DatasetService
#pragma once

#include "serve/hub_rpc.h"

namespace bowerbird::serve {

class DatasetRpc : public HubRpc {
 public:
  DatasetRpc(Admission& admission, Hub hub);
};

}  // namespace bowerbird::serve
