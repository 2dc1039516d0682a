// SPDX-License-Identifier: Apache-2.0
//
// viam.service.discovery.v1.DiscoveryService
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class DiscoveryRpc : public ResourceRpc {
 public:
  DiscoveryRpc(Admission& admission, const machine::ResourceFinder& finder);
};

}  // namespace bowerbird::serve
