// SPDX-License-Identifier: Apache-2.0
#include "serve/kserve_tensors.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/utf8.h"
#include "infer/remote/contents.h"
#include "infer/remote/datatype.h"
#include "infer/remote/message.h"
#include "kserve/inference.pb.h"

namespace bowerbird::serve {
namespace {

namespace remote = infer::remote;
using infer::DType;
using infer::TensorInfo;
using infer::TensorView;

const TensorInfo* FindTensor(const std::vector<TensorInfo>& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&name](const TensorInfo& info) {
    return info.name == name || info.graph_name == name;
  });
  return found == tensors.end() ? nullptr : &*found;
}

std::string NamesOf(const std::vector<TensorInfo>& tensors) {
  std::string names;
  for (const TensorInfo& info : tensors)
    names += (names.empty() ? "\"" : ", \"") + info.name + "\"";
  return names;
}

absl::Status CheckShape(const google::protobuf::RepeatedField<int64_t>& shape) {
  if (shape.size() <= static_cast<int>(remote::kMaxRank)) return absl::OkStatus();
  return InvalidArgument("a shape of " + std::to_string(shape.size()) + " extents is none");
}

// "FP32"; what has no name there, and strings, are told as BYTES and refused when they are used.
std::string DatatypeOf(DType type) {
  const std::string name(remote::DatatypeName(type));
  return name.empty() ? "BYTES" : name;
}

void WriteTensors(
    const std::vector<TensorInfo>& tensors,
    google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>& out) {
  for (const TensorInfo& info : tensors) {
    auto& tensor = *out.Add();
    tensor.set_name(Utf8(info.name));
    tensor.set_datatype(DatatypeOf(info.type));
    for (const int64_t extent : info.shape) tensor.add_shape(extent);
  }
}

absl::Status WriteOutput(const std::string& name, const TensorView& view, bool typed,
                         inference::ModelInferResponse& response) {
  const std::string_view datatype = remote::DatatypeName(view.type);
  if (infer::DTypeSize(view.type) == 0 || datatype.empty()) {
    return Unimplemented("output \"" + name + "\" has elements of type " +
                         std::string(infer::DTypeName(view.type)) +
                         ", which have no form in this protocol");
  }
  auto& output = *response.add_outputs();
  output.set_name(Utf8(name));
  output.set_datatype(std::string(datatype));
  for (const int64_t extent : view.shape) output.add_shape(extent);
  const auto* data = reinterpret_cast<const char*>(view.bytes.data());
  if (typed) {
    remote::UnpackContents(view.type, {data, view.bytes.size()}, *output.mutable_contents());
  } else {
    response.add_raw_output_contents(data, view.bytes.size());
  }
  return absl::OkStatus();
}

// The names asked for, in the order asked for; those of the metadata if none are.
absl::StatusOr<std::vector<std::string>> WantedOutputs(
    const infer::ModelMetadata& metadata, const inference::ModelInferRequest& request) {
  std::vector<std::string> wanted;
  for (const auto& asked : request.outputs()) {
    const std::string what = "output \"" + remote::Shown(asked.name()) + "\"";
    const TensorInfo* const info = FindTensor(metadata.outputs, asked.name());
    if (info == nullptr)
      return InvalidArgument(what + " is none of the model's: it has " + NamesOf(metadata.outputs));
    if (std::find(wanted.begin(), wanted.end(), info->name) != wanted.end())
      return InvalidArgument(what + " is asked for twice");
    if (asked.parameters().contains("classification")) {
      return Unimplemented(what +
                           ": the classification extension is not served; ask for the scores, or "
                           "use a vision service");
    }
    wanted.push_back(info->name);
  }
  if (wanted.empty()) {
    for (const TensorInfo& info : metadata.outputs) wanted.push_back(info.name);
  }
  return wanted;
}

}  // namespace

absl::Status KServeInputs::Add(const infer::ModelMetadata& metadata,
                               const inference::ModelInferRequest& request, int index) {
  const auto& tensor = request.inputs(index);
  const TensorInfo* const info = FindTensor(metadata.inputs, tensor.name());
  if (info == nullptr)
    return InvalidArgument("the model has no such input: it has " + NamesOf(metadata.inputs));
  ASSIGN_OR_RETURN(const DType type, remote::DTypeFromDatatype(tensor.datatype()));
  if (type != info->type) {
    return InvalidArgument("it has datatype " + tensor.datatype() + ", the model wants " +
                           DatatypeOf(info->type));
  }
  RETURN_IF_ERROR(CheckShape(tensor.shape()));
  const infer::Shape shape(tensor.shape().begin(), tensor.shape().end());
  ASSIGN_OR_RETURN(const size_t size, remote::TensorBytes(type, shape));
  std::span<const std::byte> bytes;
  if (request.raw_input_contents_size() > 0) {
    bytes = std::as_bytes(std::span(request.raw_input_contents(index)));
  } else {
    const auto count = static_cast<int64_t>(size / infer::DTypeSize(type));
    ASSIGN_OR_RETURN(packed_.emplace_back(), remote::PackContents(tensor.contents(), type, count));
    bytes = std::as_bytes(std::span(packed_.back()));
  }
  if (bytes.size() != size) {
    return InvalidArgument("shape " + infer::ShapeText(shape) + " of " + tensor.datatype() +
                           " has " + std::to_string(size) + " bytes, but " +
                           std::to_string(bytes.size()) + " were sent");
  }
  const std::span extents(tensor.shape().data(), static_cast<size_t>(tensor.shape_size()));
  if (!views_.emplace(info->name, TensorView{type, extents, bytes}).second)
    return InvalidArgument("it is there twice");
  return absl::OkStatus();
}

absl::StatusOr<KServeInputs> KServeInputs::Read(const infer::ModelMetadata& metadata,
                                                const inference::ModelInferRequest& request) {
  const int raw = request.raw_input_contents_size();
  if (raw != 0 && raw != request.inputs_size()) {
    return InvalidArgument("the request has " + std::to_string(request.inputs_size()) +
                           " inputs, but " + std::to_string(raw) +
                           " raw contents: there must be one for each, or none");
  }
  KServeInputs inputs;
  for (int i = 0; i < request.inputs_size(); ++i) {
    const absl::Status status = inputs.Add(metadata, request, i);
    if (!status.ok())
      return Annotate(status, "input \"" + remote::Shown(request.inputs(i).name()) + "\"");
  }
  return inputs;
}

absl::Status WriteKServeOutputs(const infer::ModelMetadata& metadata,
                                const infer::NamedViews& outputs,
                                const inference::ModelInferRequest& request,
                                inference::ModelInferResponse& response) {
  ASSIGN_OR_RETURN(const std::vector<std::string> wanted, WantedOutputs(metadata, request));
  // Half floats have no typed form, and an answer is of one form as a whole.
  const bool typed = request.raw_input_contents_size() == 0 && request.inputs_size() > 0 &&
                     std::none_of(wanted.begin(), wanted.end(), [&outputs](const auto& name) {
                       return outputs.at(name).type == DType::kFloat16;
                     });
  for (const std::string& name : wanted)
    RETURN_IF_ERROR(WriteOutput(name, outputs.at(name), typed, response));
  return absl::OkStatus();
}

void WriteKServeMetadata(const infer::ModelMetadata& metadata,
                         inference::ModelMetadataResponse& response) {
  WriteTensors(metadata.inputs, *response.mutable_inputs());
  WriteTensors(metadata.outputs, *response.mutable_outputs());
}

}  // namespace bowerbird::serve
