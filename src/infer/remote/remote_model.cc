// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/remote_model.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/pool.h"
#include "infer/remote/datatype.h"
#include "infer/remote/port.h"
#include "infer/remote/transport.h"

namespace bowerbird::infer::remote {
namespace {

// "model \"m\" at grpc://host:8001"
std::string Where(const RemoteOptions& options) {
  return "model \"" + options.model + "\" at " + options.endpoint.ToString();
}

absl::StatusOr<std::vector<Port>> PortsOf(const std::vector<TensorDescription>& descriptions) {
  std::vector<Port> ports;
  std::set<std::string> names;
  for (const TensorDescription& description : descriptions) {
    ASSIGN_OR_RETURN(ports.emplace_back(), Port::From(description));
    if (!names.insert(description.name).second)
      return InvalidArgument("two tensors have the name \"" + Shown(description.name) + "\"");
  }
  if (ports.empty()) return InvalidArgument("there are no inputs, or no outputs");
  return ports;
}

// The shape an input has until somebody says another: one of everything that is free.
Shape FirstShape(Shape shape) {
  std::replace(shape.begin(), shape.end(), int64_t{-1}, int64_t{1});
  return shape;
}

struct Signature {
  std::vector<Port> inputs, outputs;
  std::vector<std::string> output_names;
};

// What a lease borrows: a session, the memory of the inputs, and the outputs of the last answer.
class RemoteInstance final : public Instance {
 public:
  RemoteInstance(const Signature& signature, size_t max_message, std::unique_ptr<Session> session)
      : signature_(signature),
        max_message_(max_message),
        session_(std::move(session)),
        inputs_(signature.inputs.size()),
        presented_(signature.inputs.size()) {}

  // INVALID_ARGUMENT: more than `max_message` bytes.
  absl::Status Shape(int index, const infer::Shape& shape);
  absl::Status Reset();
  absl::Status Invoke(const Context& context);

  std::span<std::byte> Input(int index) {
    return std::as_writable_bytes(std::span(Memory(index).data(), Memory(index).size()));
  }
  TensorView InputView(int index) const {
    const auto i = static_cast<size_t>(index);
    const std::string& memory = IsConverted(i) ? presented_[i] : inputs_[i].bytes;
    return {signature_.inputs[i].type(), inputs_[i].shape, std::as_bytes(std::span(memory))};
  }
  TensorView Output(int index) const {
    const auto i = static_cast<size_t>(index);
    if (i >= outputs_.size()) return {signature_.outputs[i].type(), {}, {}};
    return {signature_.outputs[i].type(), outputs_[i].shape,
            std::as_bytes(std::span(outputs_[i].bytes))};
  }

 private:
  bool IsConverted(size_t index) const {
    const Port& port = signature_.inputs[index];
    return port.wire_type != port.type();
  }
  std::string& Memory(int index) {
    const auto i = static_cast<size_t>(index);
    return IsConverted(i) ? presented_[i] : inputs_[i].bytes;
  }
  absl::Status TakeOutputs(std::vector<MessageTensor> answer);

  const Signature& signature_;
  const size_t max_message_;
  const std::unique_ptr<Session> session_;
  std::vector<MessageTensor> inputs_;
  std::vector<std::string> presented_;  // of inputs whose wire type is not the callers'
  std::vector<MessageTensor> outputs_;  // in the order of the signature
};

absl::Status RemoteInstance::Shape(int index, const infer::Shape& shape) {
  const auto i = static_cast<size_t>(index);
  const Port& port = signature_.inputs[i];
  ASSIGN_OR_RETURN(const size_t size, TensorBytes(port.type(), shape));
  if (size > max_message_) {
    return InvalidArgument("shape " + ShapeText(shape) + " of input \"" + Shown(port.name) +
                           "\" needs " + std::to_string(size) + " bytes; at most " +
                           std::to_string(max_message_) + " can be sent");
  }
  inputs_[i].name = port.name;
  inputs_[i].type = port.wire_type;
  inputs_[i].shape = shape;
  Memory(index).assign(size, '\0');
  outputs_.clear();
  return absl::OkStatus();
}

absl::Status RemoteInstance::Reset() {
  for (size_t i = 0; i < signature_.inputs.size(); ++i)
    RETURN_IF_ERROR(Shape(static_cast<int>(i), FirstShape(signature_.inputs[i].shape)));
  return absl::OkStatus();
}

absl::Status RemoteInstance::Invoke(const Context& context) {
  outputs_.clear();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!IsConverted(i)) continue;
    WriteWireBytes(signature_.inputs[i].wire_type, std::as_bytes(std::span(presented_[i])),
                   inputs_[i].bytes);
  }
  ASSIGN_OR_RETURN(auto answer, session_->Infer(context, inputs_, signature_.output_names));
  return TakeOutputs(std::move(answer));
}

absl::Status RemoteInstance::TakeOutputs(std::vector<MessageTensor> answer) {
  std::vector<MessageTensor> outputs;
  for (const Port& port : signature_.outputs) {
    const std::string what = "the server's answer: output \"" + Shown(port.name) + "\" ";
    const auto found = std::find_if(answer.begin(), answer.end(), [&port](const auto& tensor) {
      return tensor.name == port.name;
    });
    if (found == answer.end()) return Internal(what + "is missing");
    if (found->type != port.wire_type || !port.Allows(found->shape)) {
      return Internal(what + "is " + std::string(DatatypeName(found->type)) + " " +
                      ShapeText(found->shape) + ", but its description says " +
                      std::string(DatatypeName(port.wire_type)) + " " + ShapeText(port.shape) +
                      ": was the model replaced? Then change or reload the configuration");
    }
    found->bytes = PresentedBytes(port.wire_type, std::move(found->bytes));
    outputs.push_back(std::move(*found));
  }
  outputs_ = std::move(outputs);
  return absl::OkStatus();
}

class RemoteModelImpl final : public RemoteModel {
 public:
  static absl::StatusOr<std::unique_ptr<RemoteModel>> Connect(const Context& context,
                                                              RemoteOptions options);

  const ModelMetadata& metadata() const override { return metadata_; }
  const std::string& platform() const override { return platform_; }
  absl::StatusOr<std::unique_ptr<Lease>> Acquire(const Context& context) const override;

  const Signature& signature() const { return signature_; }
  const RemoteOptions& options() const { return options_; }
  Pool& pool() const { return *pool_; }

 private:
  explicit RemoteModelImpl(RemoteOptions options) : options_(std::move(options)) {}

  absl::Status Start(const Context& context);
  absl::Status Understand(const ModelDescription& description);
  absl::StatusOr<std::unique_ptr<Instance>> NewInstance() const;

  const RemoteOptions options_;
  std::unique_ptr<Transport> transport_;
  Signature signature_;
  ModelMetadata metadata_;
  std::string platform_;
  std::unique_ptr<Pool> pool_;
};

class RemoteLease final : public Lease {
 public:
  RemoteLease(const RemoteModelImpl& model, std::unique_ptr<Instance> instance)
      : model_(model), owned_(std::move(instance)) {}
  ~RemoteLease() override { model_.pool().GiveBack(std::move(owned_)); }
  RemoteLease(const RemoteLease&) = delete;
  RemoteLease& operator=(const RemoteLease&) = delete;

  absl::Status ResizeInputs(const std::vector<Shape>& shapes) override {
    const std::vector<Port>& ports = model_.signature().inputs;
    if (shapes.size() != ports.size())
      return InvalidArgument("the model has " + std::to_string(ports.size()) + " inputs");
    for (size_t i = 0; i < ports.size(); ++i) {
      if (ports[i].Allows(shapes[i])) continue;
      return InvalidArgument("shape " + ShapeText(shapes[i]) + " is not one of input \"" +
                             Shown(ports[i].name) + "\", which has " + ShapeText(ports[i].shape));
    }
    for (size_t i = 0; i < ports.size(); ++i)
      RETURN_IF_ERROR(instance().Shape(static_cast<int>(i), shapes[i]));
    return absl::OkStatus();
  }
  std::span<std::byte> Input(int index) override { return instance().Input(index); }
  TensorView InputView(int index) const override { return instance().InputView(index); }
  TensorView Output(int index) const override { return instance().Output(index); }
  absl::Status Invoke(const Context& context) override {
    const PhaseTimer timer(context.phases, Phase::kInvoke);
    return Annotate(instance().Invoke(context), Where(model_.options()));
  }

 private:
  RemoteInstance& instance() const { return static_cast<RemoteInstance&>(*owned_); }

  const RemoteModelImpl& model_;
  std::unique_ptr<Instance> owned_;
};

absl::StatusOr<std::unique_ptr<Lease>> RemoteModelImpl::Acquire(const Context& context) const {
  ASSIGN_OR_RETURN(auto instance, pool_->Take(context));
  return std::unique_ptr<Lease>(std::make_unique<RemoteLease>(*this, std::move(instance)));
}

absl::StatusOr<std::unique_ptr<Instance>> RemoteModelImpl::NewInstance() const {
  auto instance =
      std::make_unique<RemoteInstance>(signature_, options_.max_message, transport_->NewSession());
  RETURN_IF_ERROR(instance->Reset());
  return std::unique_ptr<Instance>(std::move(instance));
}

absl::Status RemoteModelImpl::Understand(const ModelDescription& description) {
  ASSIGN_OR_RETURN(signature_.inputs, PortsOf(description.inputs));
  ASSIGN_OR_RETURN(signature_.outputs, PortsOf(description.outputs));
  for (const Port& port : signature_.inputs) metadata_.inputs.push_back(port.Info());
  for (const Port& port : signature_.outputs) {
    metadata_.outputs.push_back(port.Info());
    signature_.output_names.push_back(port.name);
  }
  for (const auto* ports : {&signature_.inputs, &signature_.outputs}) {
    for (const Port& port : *ports) {
      if (options_.json && port.wire_type == DType::kFloat16)
        return InvalidArgument("tensor \"" + Shown(port.name) +
                               "\" is FP16, which JSON cannot carry: use binary data or gRPC");
    }
  }
  metadata_.name = options_.model;
  metadata_.labels = options_.labels;
  metadata_.description = description.platform.empty()
                              ? Where(options_)
                              : Where(options_) + " (" + Shown(description.platform) + ")";
  platform_ = description.platform;
  return absl::OkStatus();
}

absl::Status RemoteModelImpl::Start(const Context& context) {
  auto transport = options_.endpoint.protocol == Protocol::kGrpc ? NewGrpcTransport(options_)
                                                                 : NewHttpTransport(options_);
  RETURN_IF_ERROR(transport.status());
  transport_ = *std::move(transport);
  ASSIGN_OR_RETURN(const ModelDescription description, transport_->Describe(context));
  const absl::Status understood = Understand(description);
  RETURN_IF_ERROR(Annotate(understood, "the server's description of it"));
  ASSIGN_OR_RETURN(auto first, NewInstance());
  Pool::Options pool;
  pool.name = options_.model;
  pool.instances = options_.instances;
  pool.max_waiting = options_.max_waiting;
  pool_ = std::make_unique<Pool>(pool, std::move(first), [this] { return NewInstance(); });
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RemoteModel>> RemoteModelImpl::Connect(const Context& context,
                                                                      RemoteOptions options) {
  std::unique_ptr<RemoteModelImpl> model(new RemoteModelImpl(std::move(options)));
  if (model->options_.model.empty()) return InvalidArgument("a remote model needs a name");
  for (const auto& [name, value] : model->options_.headers)
    RETURN_IF_ERROR(CheckHeader(name, value));
  if (absl::Status status = model->Start(context); !status.ok())
    return Annotate(status, Where(model->options_));
  return std::unique_ptr<RemoteModel>(std::move(model));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RemoteModel>> RemoteModel::Connect(const Context& context,
                                                                  RemoteOptions options) {
  return RemoteModelImpl::Connect(context, std::move(options));
}

}  // namespace bowerbird::infer::remote
