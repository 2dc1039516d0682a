// SPDX-License-Identifier: Apache-2.0
//
// Every gRPC service of training and of models.
#pragma once

#include <memory>
#include <vector>

#include "jobs/jobs.h"
#include "registry/registry.h"
#include "serve/hub_access.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

// All of them outlive the services.
struct Training {
  jobs::Jobs& jobs;
  registry::Registry& models;
  HubAccess& access;
};

// viam.app.mltraining.v1.MLTrainingService, and of bowerbird.v1 TrainingService and ModelService:
// to be registered with the server, and to be kept until it is gone.
std::vector<std::unique_ptr<RpcService>> MakeTrainingServices(Admission& admission,
                                                              const Training& training);

}  // namespace bowerbird::serve
