// SPDX-License-Identifier: Apache-2.0
#include "train/torch/module.h"

#include <algorithm>
#include <cstring>

#include "base/status.h"
#include "tflite/edit.h"

namespace bowerbird::train {
namespace {

using tflite::TensorType;

// How the library wants the weights of an operator: element i is the file's dimension that becomes
// its i-th. Empty: as they are.
std::vector<int64_t> WeightOrder(const std::string& name) {
  if (name == "CONV_2D") return {0, 3, 1, 2};            // O H W I to O I H W
  if (name == "DEPTHWISE_CONV_2D") return {3, 0, 1, 2};  // 1 H W C to C 1 H W
  return {};
}

bool HasWeights(const std::string& name) {
  return name == "CONV_2D" || name == "DEPTHWISE_CONV_2D" || name == "FULLY_CONNECTED";
}

// A copy of a constant, in the file's order.
absl::StatusOr<at::Tensor> ReadConstant(const tflite::Graph& graph, const tflite::Tensor& tensor) {
  const std::span<const std::byte> bytes = graph.buffers[tensor.buffer].data;
  if (tensor.type != TensorType::kFloat32)
    return Unimplemented("constant '" + tensor.name + "' has type " +
                         tflite::TensorTypeName(tensor.type) + ", not FLOAT32");
  at::Tensor values = at::empty(Wide(tensor.shape), at::kFloat);
  if (values.nbytes() != bytes.size())
    return InvalidArgument("constant '" + tensor.name + "' has " + std::to_string(bytes.size()) +
                           " bytes, its shape wants " + std::to_string(values.nbytes()));
  std::memcpy(values.data_ptr(), bytes.data(), bytes.size());
  return values;
}

std::vector<int64_t> Inverse(const std::vector<int64_t>& order) {
  std::vector<int64_t> inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i)
    inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return inverse;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Module>> Module::Create(const tflite::Graph& graph,
                                                       const OperatorChoices& choices) {
  if (graph.subgraphs.size() != 1 || graph.subgraphs[0].inputs.size() != 1)
    return Unimplemented("only graphs of one subgraph with one input can be trained");
  const tflite::Subgraph& main = graph.subgraphs[0];
  const auto fits = [&](size_t count) { return count == 0 || count == main.operators.size(); };
  if (!fits(choices.learning_rates.size()) || !fits(choices.normalized.size()))
    return InvalidArgument("there are " + std::to_string(main.operators.size()) + " operators, " +
                           std::to_string(choices.learning_rates.size()) + " learning rates and " +
                           std::to_string(choices.normalized.size()) + " choices of normalisation");
  auto module = std::make_unique<Module>();
  module->places_.resize(main.tensors.size());
  module->input_ = main.inputs[0];
  module->outputs_ = main.outputs;
  const tflite::Tensor& input = main.tensors[static_cast<size_t>(main.inputs[0])];
  if (input.type != TensorType::kFloat32 || input.shape.empty() || input.shape[0] != 1)
    return Unimplemented("the input must be FLOAT32 with a batch of 1");
  module->input_shape_ = Wide(input.shape);
  module->input_elements_ = 1;
  for (const int64_t extent : module->input_shape_)
    module->input_elements_ *= static_cast<size_t>(extent);
  for (size_t i = 0; i < main.operators.size(); ++i) {
    const float rate = choices.learning_rates.empty() ? 1 : choices.learning_rates[i];
    RETURN_IF_ERROR(module->AddOperator(graph, i, rate));
    if (!choices.normalized.empty() && choices.normalized[i])
      RETURN_IF_ERROR(
          module->Normalize({graph, main.operators[i]}, module->operations_.back(), rate));
  }
  module->FindLastUses();
  return module;
}

absl::Status Module::AddOperator(const tflite::Graph& graph, size_t index, float learning_rate) {
  const tflite::Operator& op = graph.subgraphs[0].operators[index];
  const OperatorSource source{graph, op};
  Operation operation;
  ASSIGN_OR_RETURN(operation.kernel, MakeKernel(source));
  operation.output = op.outputs[0];
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    ASSIGN_OR_RETURN(const int32_t place, PlaceOf(source, i, learning_rate));
    operation.inputs.push_back(place);
  }
  operations_.push_back(std::move(operation));
  return absl::OkStatus();
}

size_t Module::ParameterAt(int32_t place) const {
  const auto found = std::ranges::find(parameter_places_, place);
  return static_cast<size_t>(found - parameter_places_.begin());
}

// A convolution that stays needs none; one without a bias, or that shares its constants, cannot
// become another.
absl::Status Module::Normalize(const OperatorSource& source, Operation& operation,
                               float learning_rate) {
  if (learning_rate == 0) return absl::OkStatus();
  const std::string name = source.graph.operator_codes[source.op.code].Name();
  if (name != "CONV_2D" && name != "DEPTHWISE_CONV_2D")
    return Unimplemented("a normalised " + name);
  const std::vector<int32_t>& places = operation.inputs;
  const size_t weight = places.size() == 3 ? ParameterAt(places[1]) : parameters_.size();
  const size_t shift = places.size() == 3 ? ParameterAt(places[2]) : parameters_.size();
  if (weight != parameters_.size() - 2 || shift != parameters_.size() - 1)
    return Unimplemented("a normalised " + name + " without weights and a bias of its own");
  tflite::Operator bare = source.op;
  bare.inputs.resize(2);
  operation.activation = bare.options.Int("fused_activation_function");
  RETURN_IF_ERROR(bare.options.Set("fused_activation_function", int64_t{0}));
  ASSIGN_OR_RETURN(operation.bare, MakeKernel({source.graph, bare}));
  const int64_t depth = parameters_[shift].value.numel();
  parameters_.push_back({.tensor = -1,
                         .order = {},
                         .learning_rate = learning_rate,
                         .is_weight = false,
                         .value = at::ones({depth}).requires_grad_()});
  parameter_places_.push_back(static_cast<int32_t>(places_.size()));
  places_.emplace_back();
  operation.normalization = static_cast<int>(normalizations_.size());
  normalizations_.emplace_back(
      Normalization::Parameters{.weight = weight, .shift = shift, .scale = parameters_.size() - 1},
      depth);
  return absl::OkStatus();
}

absl::StatusOr<int32_t> Module::PlaceOf(const OperatorSource& source, size_t input,
                                        float learning_rate) {
  const int32_t tensor = source.op.inputs[input];
  if (tensor < 0 || !tflite::IsConstant(source.graph, source.In(input))) return tensor;
  const std::string name = source.graph.operator_codes[source.op.code].Name();
  if (HasWeights(name) && (input == 1 || input == 2)) {
    return AddParameter(source, input, input == 1 ? WeightOrder(name) : std::vector<int64_t>(),
                        learning_rate);
  }
  at::Tensor& place = places_[static_cast<size_t>(tensor)];
  // Whole numbers say how an operator works; its kernel has read them.
  if (!place.defined() && source.In(input).type == TensorType::kFloat32) {
    ASSIGN_OR_RETURN(const at::Tensor values, ReadConstant(source.graph, source.In(input)));
    place = FromFileOrder(values).contiguous();
  }
  return tensor;
}

absl::StatusOr<int32_t> Module::AddParameter(const OperatorSource& source, size_t input,
                                             std::vector<int64_t> order, float learning_rate) {
  const int32_t tensor = source.op.inputs[input];
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& known = parameters_[i];
    if (known.tensor != tensor) continue;
    if (known.order != order)
      return Unimplemented("constant '" + source.In(input).name +
                           "' is read by operators of different kinds");
    if (learning_rate > known.learning_rate) known.learning_rate = learning_rate;
    known.value.requires_grad_(known.learning_rate > 0);
    return parameter_places_[i];
  }
  Parameter parameter{.tensor = tensor,
                      .order = std::move(order),
                      .learning_rate = learning_rate,
                      .is_weight = input == 1,
                      .value = {}};
  ASSIGN_OR_RETURN(at::Tensor values, ReadConstant(source.graph, source.In(input)));
  if (!parameter.order.empty()) {
    if (values.dim() != static_cast<int64_t>(parameter.order.size()))
      return InvalidArgument("weights '" + source.In(input).name + "' have " +
                             std::to_string(values.dim()) + " dimensions, not 4");
    values = values.permute(parameter.order).contiguous();
  }
  parameter.value = values.detach().clone().requires_grad_(learning_rate > 0);
  parameters_.push_back(std::move(parameter));
  const auto place = static_cast<int32_t>(places_.size());
  parameter_places_.push_back(place);
  places_.emplace_back();
  return place;
}

void Module::FindLastUses() {
  std::vector<int> last(places_.size(), -1);
  for (size_t i = 0; i < operations_.size(); ++i) {
    for (const int32_t input : operations_[i].inputs) {
      if (input >= 0) last[static_cast<size_t>(input)] = static_cast<int>(i);
    }
  }
  for (const int32_t output : outputs_) last[static_cast<size_t>(output)] = -1;
  for (size_t place = 0; place < last.size(); ++place) {
    if (last[place] < 0) continue;
    operations_[static_cast<size_t>(last[place])].last_uses.push_back(static_cast<int32_t>(place));
  }
}

std::vector<at::Tensor> Module::PlacesOf(std::span<const float> input, int batch,
                                         const std::vector<at::Tensor>& values) const {
  std::vector<at::Tensor> places = places_;
  std::vector<int64_t> shape = input_shape_;
  shape[0] = batch;
  // The copy: convolutions want the memory in their own order, and `input` is only borrowed.
  const at::Tensor borrowed = torch::from_blob(const_cast<float*>(input.data()), shape, at::kFloat);
  places[static_cast<size_t>(input_)] = FromFileOrder(borrowed).clone(at::MemoryFormat::Contiguous);
  for (size_t i = 0; i < values.size(); ++i)
    places[static_cast<size_t>(parameter_places_[i])] = values[i];
  return places;
}

std::vector<at::Tensor> Module::OutputsOf(const std::vector<at::Tensor>& places) const {
  std::vector<at::Tensor> outputs;
  for (const int32_t output : outputs_)
    outputs.push_back(ToFileOrder(places[static_cast<size_t>(output)]).contiguous());
  return outputs;
}

std::vector<at::Tensor> Module::Run(std::span<const float> input, int batch,
                                    std::vector<at::Tensor> values) const {
  for (const Normalization& normalization : normalizations_) normalization.Fold(values);
  std::vector<at::Tensor> places = PlacesOf(input, batch, values);
  std::vector<at::Tensor> arguments;
  for (const Operation& operation : operations_) {
    arguments.clear();
    for (const int32_t place : operation.inputs)
      arguments.push_back(place < 0 ? at::Tensor() : places[static_cast<size_t>(place)]);
    places[static_cast<size_t>(operation.output)] = operation.kernel(arguments);
    for (const int32_t place : operation.last_uses) places[static_cast<size_t>(place)].reset();
  }
  return OutputsOf(places);
}

std::vector<at::Tensor> Module::RunToLearn(std::span<const float> input, int batch) {
  std::vector<at::Tensor> values;
  for (const Parameter& parameter : parameters_) values.push_back(parameter.value);
  std::vector<at::Tensor> places = PlacesOf(input, batch, values);
  std::vector<at::Tensor> arguments;
  for (const Operation& operation : operations_) {
    arguments.clear();
    for (const int32_t place : operation.inputs)
      arguments.push_back(place < 0 ? at::Tensor() : places[static_cast<size_t>(place)]);
    at::Tensor& result = places[static_cast<size_t>(operation.output)];
    if (operation.normalization < 0) {
      result = operation.kernel(arguments);
    } else {
      arguments.resize(2);
      Normalization& normalization = normalizations_[static_cast<size_t>(operation.normalization)];
      result =
          Activate(normalization.Apply(operation.bare(arguments), values), operation.activation);
    }
    for (const int32_t place : operation.last_uses) places[static_cast<size_t>(place)].reset();
  }
  return OutputsOf(places);
}

void Module::KeepBatch() {
  for (Normalization& normalization : normalizations_) normalization.KeepBatch();
}

absl::Status Module::Export(tflite::Graph& graph, std::vector<at::Tensor> values) const {
  for (const Normalization& normalization : normalizations_) normalization.Fold(values);
  const auto fits = [&](const Parameter& parameter) {
    if (parameter.tensor < 0) return true;
    if (graph.subgraphs.size() != 1) return false;
    const std::vector<tflite::Tensor>& tensors = graph.subgraphs[0].tensors;
    const auto index = static_cast<size_t>(parameter.tensor);
    return index < tensors.size() && tensors[index].type == TensorType::kFloat32 &&
           graph.buffers[tensors[index].buffer].data.size() == parameter.value.nbytes();
  };
  if (!std::ranges::all_of(parameters_, fits))
    return InvalidArgument("the weights belong to another graph");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    if (parameter.learning_rate == 0 || parameter.tensor < 0) continue;
    tflite::Tensor& tensor = graph.subgraphs[0].tensors[static_cast<size_t>(parameter.tensor)];
    at::Tensor value = values[i].detach();
    if (!value.isfinite().all().item<bool>())
      return FailedPrecondition("the weights of '" + tensor.name + "' are not finite any more");
    if (!parameter.order.empty()) value = value.permute(Inverse(parameter.order));
    value = value.contiguous();
    std::vector<std::byte> bytes(value.nbytes());
    std::memcpy(bytes.data(), value.data_ptr(), bytes.size());
    tflite::SetConstant(graph, tensor, std::move(bytes));
  }
  return absl::OkStatus();
}

absl::Status Module::Load(const tflite::Graph& graph) {
  for (Normalization& normalization : normalizations_) {
    const at::NoGradGuard no_gradient;
    normalization.Restart();
    parameters_[normalization.scale()].value.fill_(1);
  }
  for (Parameter& parameter : parameters_) {
    if (parameter.tensor < 0) continue;
    if (graph.subgraphs.size() != 1 ||
        graph.subgraphs[0].tensors.size() <= static_cast<size_t>(parameter.tensor))
      return InvalidArgument("the weights belong to another graph");
    ASSIGN_OR_RETURN(
        at::Tensor values,
        ReadConstant(graph, graph.subgraphs[0].tensors[static_cast<size_t>(parameter.tensor)]));
    if (!parameter.order.empty()) values = values.permute(parameter.order);
    if (values.sizes() != parameter.value.sizes())
      return InvalidArgument("the weights belong to another graph");
    const at::NoGradGuard no_gradient;
    parameter.value.copy_(values);
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::train
