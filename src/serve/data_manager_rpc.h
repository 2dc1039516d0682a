// SPDX-License-Identifier: Apache-2.0
//
// viam.service.datamanager.v1.DataManagerService: the calls that the DataManager interface has.
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class DataManagerRpc : public ResourceRpc {
 public:
  DataManagerRpc(Admission& admission, const machine::ResourceFinder& finder);
};

}  // namespace bowerbird::serve
