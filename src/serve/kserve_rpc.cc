// SPDX-License-Identifier: Apache-2.0
#include "serve/kserve_rpc.h"

#include <utility>

#include "base/phases.h"
#include "base/status.h"
#include "base/utf8.h"
#include "infer/model.h"
#include "infer/remote/datatype.h"
#include "infer/remote/message.h"
#include "kserve/inference.pb.h"
#include "machine/resource.h"
#include "serve/kserve_tensors.h"
#include "serve/phase_observation.h"

namespace bowerbird::serve {
namespace {

constexpr char kServerName[] = "bowerbird";
constexpr char kPlatform[] = "bowerbird_mlmodel";
constexpr char kOnlyVersion[] = "1";

}  // namespace

KServeRpc::KServeRpc(Admission& admission, KServeOptions options)
    : RpcService("inference.GRPCInferenceService", admission), options_(std::move(options)) {
  AddServerCalls();
  AddModelCalls();
}

// Probes have no credentials; these two tell no more than /healthz.
void KServeRpc::AddServerCalls() {
  UnaryOptions open;
  open.needs_no_credentials = true;
  Unary<inference::ServerLiveRequest, inference::ServerLiveResponse>(
      "ServerLive",
      [](Call&, const auto&, inference::ServerLiveResponse& response) {
        response.set_live(true);
        return absl::OkStatus();
      },
      open);
  Unary<inference::ServerReadyRequest, inference::ServerReadyResponse>(
      "ServerReady",
      [this](Call&, const auto&, inference::ServerReadyResponse& response) {
        response.set_ready(options_.ready());
        return absl::OkStatus();
      },
      open);
  Unary<inference::ServerMetadataRequest, inference::ServerMetadataResponse>(
      "ServerMetadata", [this](Call&, const auto&, inference::ServerMetadataResponse& response) {
        response.set_name(kServerName);
        response.set_version(options_.version);
        response.add_extensions(infer::remote::kBinaryExtension);
        return absl::OkStatus();
      });
}

void KServeRpc::AddModelCalls() {
  Unary<inference::ModelReadyRequest, inference::ModelReadyResponse>(
      "ModelReady",
      [this](Call&, const inference::ModelReadyRequest& request,
             inference::ModelReadyResponse& response) -> absl::Status {
        const absl::Status found = Find(request.name(), request.version()).status();
        if (absl::IsNotFound(found)) return found;
        response.set_ready(found.ok());
        return absl::OkStatus();
      });
  Unary<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
      "ModelMetadata",
      [this](Call&, const inference::ModelMetadataRequest& request,
             inference::ModelMetadataResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto model, Find(request.name(), request.version()));
        response.set_name(request.name());
        response.add_versions(kOnlyVersion);
        response.set_platform(kPlatform);
        WriteKServeMetadata(model->model().metadata(), response);
        return absl::OkStatus();
      });
  Unary<inference::ModelInferRequest, inference::ModelInferResponse>(
      "ModelInfer", [this](Call& call, const auto& request, auto& response) {
        return Infer(call, request, response);
      });
}

absl::StatusOr<std::shared_ptr<machine::MlModel>> KServeRpc::Find(
    const std::string& name, const std::string& version) const {
  if (!version.empty() && version != kOnlyVersion) {
    return NotFound("model \"" + infer::remote::Shown(name) + "\" has no version \"" +
                    infer::remote::Shown(version) + "\": models here have version 1 only");
  }
  return options_.finder.FindAs<machine::MlModel>(name);
}

absl::Status KServeRpc::Infer(Call& call, const inference::ModelInferRequest& request,
                              inference::ModelInferResponse& response) const {
  ASSIGN_OR_RETURN(const auto resource, Find(request.model_name(), request.model_version()));
  const PhaseObservation observation(call.context(), options_.metrics, resource->metrics_label());
  const infer::Model& model = resource->model();
  ASSIGN_OR_RETURN(const auto inputs, KServeInputs::Read(model.metadata(), request));
  ASSIGN_OR_RETURN(const auto lease, model.Acquire(call.context()));
  ASSIGN_OR_RETURN(const infer::NamedViews outputs,
                   infer::Run(call.context(), model, inputs.views(), *lease));
  const PhaseTimer timer(call.context().phases, Phase::kEncode);
  response.set_model_name(request.model_name());
  response.set_model_version(kOnlyVersion);
  response.set_id(request.id());
  return WriteKServeOutputs(model.metadata(), outputs, request, response);
}

}  // namespace bowerbird::serve
