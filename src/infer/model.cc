// SPDX-License-Identifier: Apache-2.0
#include "infer/model.h"

#include <algorithm>
#include <cstring>

#include "base/status.h"

namespace bowerbird::infer {
namespace {

std::string Names(const std::vector<TensorInfo>& tensors) {
  std::string names;
  for (const TensorInfo& tensor : tensors) {
    if (!names.empty()) names += ", ";
    names += "'" + tensor.name + "'";
    if (tensor.graph_name != tensor.name) names += " (or '" + tensor.graph_name + "')";
  }
  return names;
}

const TensorView* FindView(const NamedViews& views, const TensorInfo& info) {
  auto found = views.find(info.name);
  if (found == views.end()) found = views.find(info.graph_name);
  return found == views.end() ? nullptr : &found->second;
}

// Which of `given` belong to no input of the model.
std::string UnknownNames(const ModelMetadata& metadata, const NamedViews& given) {
  std::string unknown;
  for (const auto& entry : given) {
    const std::string& name = entry.first;
    const bool known = std::ranges::any_of(metadata.inputs, [&](const TensorInfo& info) {
      return info.name == name || info.graph_name == name;
    });
    if (!known) unknown += (unknown.empty() ? "'" : ", '") + name + "'";
  }
  return unknown;
}

// Whether a model whose input has `wanted` (-1 = free) may be asked for `given`: the free extents
// and the batch may differ.
bool MayBecome(const Shape& wanted, std::span<const int64_t> given) {
  if (wanted.size() != given.size()) return false;
  for (size_t i = 1; i < given.size(); ++i) {
    if (wanted[i] >= 0 && wanted[i] != given[i]) return false;
  }
  return true;
}

absl::Status FillInput(const TensorInfo& info, int index, const TensorView& view, Lease& lease) {
  const std::string name = "input '" + info.name + "'";
  const TensorView wanted = lease.InputView(index);
  if (view.type != wanted.type) {
    return InvalidArgument(name + " has type " + std::string(DTypeName(view.type)) +
                           ", the model wants " + std::string(DTypeName(wanted.type)));
  }
  const bool same_shape = std::ranges::equal(view.shape, wanted.shape);
  const Shape given(view.shape.begin(), view.shape.end());
  if (!same_shape && !MayBecome(info.shape, view.shape)) {
    return InvalidArgument(name + " has shape " + ShapeText(given) + ", the model wants " +
                           ShapeText(info.shape));
  }
  // Before any resize: nobody gets more memory than the bytes that were sent.
  const std::optional<int64_t> count = ElementCount(given);
  const size_t bytes = count ? static_cast<size_t>(*count) * DTypeSize(view.type) : 0;
  if (!count || view.bytes.size() != bytes) {
    return InvalidArgument(
        name + " of shape " + ShapeText(given) + " and type " + std::string(DTypeName(view.type)) +
        " has " + std::to_string(view.bytes.size()) + " bytes instead of " + std::to_string(bytes));
  }
  if (!same_shape) {
    if (absl::Status status = lease.ResizeInput(index, given); !status.ok()) {
      return Annotate(status, name);
    }
  }
  const std::span<std::byte> memory = lease.Input(index);
  if (memory.size() != bytes) {
    return Internal(name + ": the runtime has " + std::to_string(memory.size()) + " bytes for " +
                    ShapeText(given));
  }
  if (bytes > 0) std::memcpy(memory.data(), view.bytes.data(), bytes);
  return absl::OkStatus();
}

}  // namespace

absl::Status FillInputs(const ModelMetadata& metadata, const NamedViews& inputs, Lease& lease) {
  if (metadata.inputs.size() == 1 && inputs.size() == 1) {
    return FillInput(metadata.inputs[0], 0, inputs.begin()->second, lease);
  }
  for (size_t i = 0; i < metadata.inputs.size(); ++i) {
    const TensorView* view = FindView(inputs, metadata.inputs[i]);
    if (view == nullptr) {
      const std::string unknown = UnknownNames(metadata, inputs);
      return InvalidArgument("input '" + metadata.inputs[i].name + "' is missing; the model has " +
                             Names(metadata.inputs) +
                             (unknown.empty() ? "" : " and does not know " + unknown));
    }
    RETURN_IF_ERROR(FillInput(metadata.inputs[i], static_cast<int>(i), *view, lease));
  }
  if (inputs.size() > metadata.inputs.size()) {
    if (const std::string unknown = UnknownNames(metadata, inputs); !unknown.empty()) {
      return InvalidArgument("the model does not know the input " + unknown + "; it has " +
                             Names(metadata.inputs));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedViews> Run(const Context& context, const Model& model, const NamedViews& inputs,
                               Lease& lease) {
  const ModelMetadata& metadata = model.metadata();
  RETURN_IF_ERROR(FillInputs(metadata, inputs, lease));
  RETURN_IF_ERROR(lease.Invoke(context));
  NamedViews outputs;
  for (size_t i = 0; i < metadata.outputs.size(); ++i) {
    outputs.emplace(metadata.outputs[i].name, lease.Output(static_cast<int>(i)));
  }
  return outputs;
}

}  // namespace bowerbird::infer
