// SPDX-License-Identifier: Apache-2.0
//
// viam.component.audioin.v1.AudioInService
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class AudioInRpc : public ResourceRpc {
 public:
  AudioInRpc(Admission& admission, const machine::ResourceFinder& finder);
};

}  // namespace bowerbird::serve
