// SPDX-License-Identifier: Apache-2.0
//
// viam.service.mlmodel.v1.MLModelService. Infer is the hot path: the inputs are copied once, from
// the request into the leased instance, the outputs once, from the instance into the response.
#pragma once

#include "base/metrics.h"
#include "serve/resource_rpc.h"

namespace viam::service::mlmodel::v1 {
class InferRequest;
class InferResponse;
}  // namespace viam::service::mlmodel::v1

namespace bowerbird::serve {

class MlModelRpc : public ResourceRpc {
 public:
  // `metrics` outlives the server.
  MlModelRpc(Admission& admission, const machine::ResourceFinder& finder, Metrics& metrics);

 private:
  absl::Status Infer(Call& call, const viam::service::mlmodel::v1::InferRequest& request,
                     viam::service::mlmodel::v1::InferResponse& response) const;

  Metrics& metrics_;
};

}  // namespace bowerbird::serve
