// SPDX-License-Identifier: Apache-2.0
//
// viam.component.audioout.v1.AudioOutService
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class AudioOutRpc : public ResourceRpc {
 public:
  AudioOutRpc(Admission& admission, const machine::ResourceFinder& finder);
};

}  // namespace bowerbird::serve
