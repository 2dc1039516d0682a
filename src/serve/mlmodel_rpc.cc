// SPDX-License-Identifier: Apache-2.0
#include "serve/mlmodel_rpc.h"

#include <string>

#include "base/status.h"
#include "infer/model.h"
#include "serve/phase_observation.h"
#include "service/mlmodel/v1/mlmodel.pb.h"
#include "wire/machine/model_metadata.h"
#include "wire/machine/tensors.h"

namespace bowerbird::serve {

namespace proto = viam::service::mlmodel::v1;

MlModelRpc::MlModelRpc(Admission& admission, const machine::ResourceFinder& finder,
                       Metrics& metrics)
    : ResourceRpc("viam.service.mlmodel.v1.MLModelService", admission, finder,
                  machine::kMlModelApi),
      metrics_(metrics) {
  Unary<proto::InferRequest, proto::InferResponse>(
      "Infer", [this](Call& call, const auto& request, auto& response) {
        return Infer(call, request, response);
      });
  Unary<proto::MetadataRequest, proto::MetadataResponse>(
      "Metadata",
      [this](Call&, const proto::MetadataRequest& request,
             proto::MetadataResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto resource, Find<machine::MlModel>(request.name()));
        wire::WriteMetadata(resource->model().metadata(), *response.mutable_metadata());
        return absl::OkStatus();
      });
  AddGetStatus();
}

absl::Status MlModelRpc::Infer(Call& call, const proto::InferRequest& request,
                               proto::InferResponse& response) const {
  ASSIGN_OR_RETURN(const auto resource, Find<machine::MlModel>(request.name()));
  const PhaseObservation observation(call.context(), metrics_, resource->metrics_label());
  ASSIGN_OR_RETURN(const auto inputs, wire::ReceivedTensors::Read(request.input_tensors()));
  const infer::Model& model = resource->model();
  ASSIGN_OR_RETURN(const auto lease, model.Acquire(call.context()));
  ASSIGN_OR_RETURN(const infer::NamedViews outputs,
                   infer::Run(call.context(), model, inputs.views(), *lease));
  const PhaseTimer timer(call.context().phases, Phase::kEncode);
  return wire::WriteTensors(outputs, *response.mutable_output_tensors());
}

}  // namespace bowerbird::serve
