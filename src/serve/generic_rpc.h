// SPDX-License-Identifier: Apache-2.0
//
// viam.component.generic.v1.GenericService and viam.service.generic.v1.GenericService: two services
// of one name, for components and for services that answer free-form commands only.
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class GenericComponentRpc : public ResourceRpc {
 public:
  GenericComponentRpc(Admission& admission, const machine::ResourceFinder& finder);
};

class GenericServiceRpc : public ResourceRpc {
 public:
  GenericServiceRpc(Admission& admission, const machine::ResourceFinder& finder);
};

}  // namespace bowerbird::serve
