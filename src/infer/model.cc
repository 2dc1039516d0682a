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

// Whether `view` may go into the input; its shape goes to `shape`.
absl::Status CheckInput(const TensorInfo& info, const TensorView& view, DType wanted_type,
                        Shape& shape) {
  const std::string name = "input '" + info.name + "'";
  if (view.type != wanted_type) {
    return InvalidArgument(name + " has type " + std::string(DTypeName(view.type)) +
                           ", the model wants " + std::string(DTypeName(wanted_type)));
  }
  const Shape given(view.shape.begin(), view.shape.end());
  if (given != shape && !MayBecome(info.shape, view.shape)) {
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
  shape = given;
  return absl::OkStatus();
}

// The view of each input, in the metadata's order. With one input on both sides any name is right.
absl::StatusOr<std::vector<const TensorView*>> ViewsOf(const ModelMetadata& metadata,
                                                       const NamedViews& inputs) {
  if (metadata.inputs.size() == 1 && inputs.size() == 1) {
    return std::vector<const TensorView*>{&inputs.begin()->second};
  }
  std::vector<const TensorView*> views;
  for (const TensorInfo& info : metadata.inputs) {
    views.push_back(FindView(inputs, info));
    if (views.back() != nullptr) continue;
    const std::string unknown = UnknownNames(metadata, inputs);
    return InvalidArgument("input '" + info.name + "' is missing; the model has " +
                           Names(metadata.inputs) +
                           (unknown.empty() ? "" : " and does not know " + unknown));
  }
  if (inputs.size() > metadata.inputs.size()) {
    if (const std::string unknown = UnknownNames(metadata, inputs); !unknown.empty()) {
      return InvalidArgument("the model does not know the input " + unknown + "; it has " +
                             Names(metadata.inputs));
    }
  }
  return views;
}

}  // namespace

absl::Status FillInputs(const ModelMetadata& metadata, const NamedViews& inputs, Lease& lease) {
  ASSIGN_OR_RETURN(const std::vector<const TensorView*> views, ViewsOf(metadata, inputs));
  bool same_shapes = true;
  std::vector<Shape> shapes;
  for (size_t i = 0; i < views.size(); ++i) {
    const TensorView now = lease.InputView(static_cast<int>(i));
    Shape& shape = shapes.emplace_back(now.shape.begin(), now.shape.end());
    RETURN_IF_ERROR(CheckInput(metadata.inputs[i], *views[i], now.type, shape));
    same_shapes = same_shapes && std::ranges::equal(shape, now.shape);
  }
  if (!same_shapes) RETURN_IF_ERROR(lease.ResizeInputs(shapes));
  for (size_t i = 0; i < views.size(); ++i) {
    const std::span<std::byte> memory = lease.Input(static_cast<int>(i));
    const std::span<const std::byte> bytes = views[i]->bytes;
    if (memory.size() != bytes.size()) {
      return Internal("input '" + metadata.inputs[i].name + "': the runtime has " +
                      std::to_string(memory.size()) + " bytes for " + ShapeText(shapes[i]));
    }
    if (!bytes.empty()) std::memcpy(memory.data(), bytes.data(), bytes.size());
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
