// SPDX-License-Identifier: Apache-2.0
#include "serve/training_services.h"

#include "serve/model_rpc.h"
#include "serve/training_rpc.h"

namespace bowerbird::serve {

std::vector<std::unique_ptr<RpcService>> MakeTrainingServices(Admission& admission,
                                                              const Training& training) {
  std::vector<std::unique_ptr<RpcService>> services;
  services.push_back(std::make_unique<MlTrainingRpc>(admission, training));
  services.push_back(std::make_unique<TrainingRpc>(admission, training));
  services.push_back(std::make_unique<ModelRpc>(admission, training));
  return services;
}

}  // namespace bowerbird::serve
