// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/phases.h"
#include "base/status.h"
#include "machine/module/resource_client.h"
#include "service/mlmodel/v1/mlmodel.pb.h"
#include "wire/machine/model_metadata.h"
#include "wire/machine/tensors.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::service::mlmodel::v1;
using infer::Shape;

// Calls Infer over there.
using Infer = std::function<absl::Status(const Context& context, proto::InferRequest& request,
                                         proto::InferResponse& response)>;

// A call in the making: inputs here, outputs as they came.
class ClientLease : public infer::Lease {
 public:
  ClientLease(const infer::ModelMetadata& metadata, Infer infer)
      : metadata_(metadata), infer_(std::move(infer)) {
    for (const infer::TensorInfo& info : metadata.inputs) {
      infer::Tensor& input = inputs_.emplace_back();
      input.type = info.type;
      input.shape = info.shape;
      for (int64_t& extent : input.shape) extent = std::max<int64_t>(extent, 1);
    }
  }

  absl::Status ResizeInputs(const std::vector<Shape>& shapes) override {
    if (shapes.size() != inputs_.size())
      return InvalidArgument("the model has " + std::to_string(inputs_.size()) + " inputs");
    for (const Shape& shape : shapes) {
      if (!SizeOf(shape, infer::DType::kUint8))
        return InvalidArgument("an input cannot have the shape " + infer::ShapeText(shape));
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      inputs_[i].shape = shapes[i];
      inputs_[i].bytes.clear();
    }
    return absl::OkStatus();
  }

  // Made when it is asked for: a shape that nobody fills costs nothing.
  std::span<std::byte> Input(int index) override {
    infer::Tensor& input = inputs_[static_cast<size_t>(index)];
    if (const auto size = SizeOf(input.shape, input.type)) input.bytes.resize(*size);
    return input.bytes;
  }

  infer::TensorView InputView(int index) const override {
    return inputs_[static_cast<size_t>(index)].view();
  }

  absl::Status Invoke(const Context& context) override {
    const PhaseTimer timer(context.phases, Phase::kInvoke);
    outputs_.reset();
    proto::InferRequest request;
    infer::NamedViews views;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Input(static_cast<int>(i));
      views.emplace(metadata_.inputs[i].name, inputs_[i].view());
    }
    RETURN_IF_ERROR(wire::WriteTensors(views, *request.mutable_input_tensors()));
    response_.Clear();
    RETURN_IF_ERROR(infer_(context, request, response_));
    ASSIGN_OR_RETURN(outputs_, wire::ReceivedTensors::Read(response_.output_tensors()));
    for (const infer::TensorInfo& info : metadata_.outputs) {
      if (outputs_->views().contains(info.name)) continue;
      return Internal("the model's answer has no tensor '" + info.name +
                      "', which its metadata promises");
    }
    return absl::OkStatus();
  }

  infer::TensorView Output(int index) const override {
    if (!outputs_) return {};
    return outputs_->views().at(metadata_.outputs[static_cast<size_t>(index)].name);
  }

 private:
  static std::optional<size_t> SizeOf(const Shape& shape, infer::DType type) {
    const std::optional<int64_t> count = infer::ElementCount(shape);
    if (!count || *count > RpcClient::kMaxMessage) return std::nullopt;
    return static_cast<size_t>(*count) * infer::DTypeSize(type);
  }

  const infer::ModelMetadata& metadata_;
  const Infer infer_;
  std::vector<infer::Tensor> inputs_;
  proto::InferResponse response_;  // before the outputs: they look at it
  std::optional<wire::ReceivedTensors> outputs_;
};

class MlModelClient : public ResourceClient, public MlModel, public infer::Model {
 public:
  MlModelClient(ResourceAddress address, infer::ModelMetadata metadata)
      : ResourceClient(std::move(address)), metadata_(std::move(metadata)) {}

  const infer::Model& model() const override { return *this; }
  const std::string& metrics_label() const override { return remote_name(); }

  const infer::ModelMetadata& metadata() const override { return metadata_; }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context& context) const override {
    RETURN_IF_ERROR(context.Check());
    return std::make_unique<ClientLease>(
        metadata_, [this](const Context& call, auto& request, auto& response) {
          return Call(call, "Infer", request, response);
        });
  }

 private:
  const infer::ModelMetadata metadata_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<Resource>> MakeMlModelClient(const Context& context,
                                                            ResourceAddress address) {
  proto::MetadataRequest request;
  request.set_name(address.name.name);
  proto::MetadataResponse response;
  RETURN_IF_ERROR(Annotate(
      address.client->Call(context, address.proto_service + "/Metadata", request, response),
      "the model's metadata"));
  ASSIGN_OR_RETURN(infer::ModelMetadata metadata, wire::ReadMetadata(response.metadata()));
  return std::make_shared<MlModelClient>(std::move(address), std::move(metadata));
}

}  // namespace bowerbird::machine
