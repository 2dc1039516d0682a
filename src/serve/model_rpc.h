// SPDX-License-Identifier: Apache-2.0
//
// bowerbird.v1.ModelService
#pragma once

#include "serve/training_services.h"

namespace bowerbird::serve {

class ModelRpc : public RpcService {
 public:
  ModelRpc(Admission& admission, const Training& training);

 private:
  void AddNeighbours();
  void AddStreams();
  const Training training_;
};

}  // namespace bowerbird::serve
