// SPDX-License-Identifier: Apache-2.0
//
// inference.GRPCInferenceService: KServe's protocol v2 for the models of this machine, so that
// clients and load tools of Triton and its kin work. A model's name is that of its mlmodel service;
// it has one version, "1". HTTP requests arrive here, too (kserve_http.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "machine/catalog.h"
#include "serve/rpc.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
}  // namespace inference

namespace bowerbird::serve {

// All of them outlive the server.
struct KServeOptions {
  const machine::ResourceFinder& finder;
  Metrics& metrics;
  std::string version;          // of the program
  std::function<bool()> ready;  // whether the config has been gone through
};

class KServeRpc : public RpcService {
 public:
  KServeRpc(Admission& admission, KServeOptions options);

 private:
  void AddServerCalls();
  void AddModelCalls();
  // NOT_FOUND: no such model, or no such version of it.
  absl::StatusOr<std::shared_ptr<machine::MlModel>> Find(const std::string& name,
                                                         const std::string& version) const;
  absl::Status Infer(Call& call, const inference::ModelInferRequest& request,
                     inference::ModelInferResponse& response) const;

  const KServeOptions options_;
};

}  // namespace bowerbird::serve
