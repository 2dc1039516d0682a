// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/status.h"
#include "infer/remote/datatype.h"
#include "infer/remote/elements.h"
#include "infer/remote/json_message.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer::remote {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDescription = size_t{1} << 20;

void AppendShape(const Shape& shape, std::string& json) {
  json += '[';
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) json += ',';
    json += std::to_string(shape[i]);
  }
  json += ']';
}

absl::Status AppendTensor(const MessageTensor& tensor, std::string& json) {
  json += "{\"name\":" + Quoted(tensor.name) + ",\"datatype\":\"";
  json += DatatypeName(tensor.type);
  json += "\",\"shape\":";
  AppendShape(tensor.shape, json);
  if (tensor.binary) {
    json += ",\"parameters\":{\"binary_data_size\":" + std::to_string(tensor.bytes.size()) + "}}";
    return absl::OkStatus();
  }
  json += ",\"data\":[";
  const absl::Status status = AppendElements(tensor.type, tensor.bytes, json);
  if (!status.ok()) return Annotate(status, "tensor \"" + Shown(tensor.name) + "\"");
  json += "]}";
  return absl::OkStatus();
}

void AppendRequested(const std::vector<RequestedOutput>& requested, std::string& json) {
  json += ",\"outputs\":[";
  for (const RequestedOutput& output : requested) {
    if (json.back() == '}') json += ',';
    json += "{\"name\":" + Quoted(output.name);
    if (output.binary.has_value()) {
      json += ",\"parameters\":{\"binary_data\":";
      json += *output.binary ? "true}" : "false}";
    }
    json += '}';
  }
  json += ']';
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

absl::StatusOr<std::vector<TensorDescription>> ReadTensors(const Json& object, const char* key) {
  std::vector<TensorDescription> tensors;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() || found->size() > kMaxTensors)
    return InvalidArgument("its \"" + std::string(key) + "\" is no list of tensors");
  for (const Json& entry : *found) {
    TensorDescription tensor;
    if (!entry.is_object()) return InvalidArgument("a tensor that is no object");
    tensor.name = TextOf(entry, "name");
    tensor.datatype = TextOf(entry, "datatype");
    const auto shape = entry.find("shape");
    if (shape == entry.end() || !shape->is_array() || shape->size() > kMaxRank)
      return InvalidArgument("tensor \"" + Shown(tensor.name) + "\" has no shape");
    for (const Json& extent : *shape) {
      if (!extent.is_number_integer())
        return InvalidArgument("tensor \"" + Shown(tensor.name) +
                               "\" has an extent that is no whole number");
      tensor.shape.push_back(extent.get<int64_t>());
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Json TensorsJson(const std::vector<TensorDescription>& tensors) {
  Json list = Json::array();
  for (const TensorDescription& tensor : tensors) {
    list.push_back({{"name", tensor.name}, {"datatype", tensor.datatype}, {"shape", tensor.shape}});
  }
  return list;
}

std::string Dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Parsed(std::string_view text) {
  if (text.size() > kMaxDescription) return Json();
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string Quoted(std::string_view text) { return Dumped(Json(std::string(text))); }

absl::StatusOr<std::string> WriteInferJson(Direction direction, const InferMessage& message) {
  std::string json = "{";
  const auto text = [&json](const char* key, const std::string& value) {
    if (value.empty()) return;
    json += '"';
    json += key;
    json += "\":";
    json += Quoted(value);
    json += ',';
  };
  text("model_name", message.model_name);
  text("model_version", message.model_version);
  text("id", message.id);
  if (message.binary_output) json += R"("parameters":{"binary_data_output":true},)";
  json += direction == Direction::kRequest ? "\"inputs\":[" : "\"outputs\":[";
  bool first = true;
  for (const MessageTensor& tensor : message.tensors) {
    if (!std::exchange(first, false)) json += ',';
    RETURN_IF_ERROR(AppendTensor(tensor, json));
  }
  json += ']';
  if (!message.requested.empty()) AppendRequested(message.requested, json);
  json += '}';
  return json;
}

absl::StatusOr<ModelDescription> ParseModelDescription(std::string_view text) {
  const Json json = Parsed(text);
  if (!json.is_object()) return InvalidArgument("the model's description is no JSON object");
  ModelDescription description;
  description.name = TextOf(json, "name");
  description.platform = TextOf(json, "platform");
  if (const auto versions = json.find("versions"); versions != json.end() && versions->is_array()) {
    for (const Json& version : *versions) {
      if (version.is_string()) description.versions.push_back(version.get<std::string>());
    }
  }
  ASSIGN_OR_RETURN(description.inputs, ReadTensors(json, "inputs"));
  ASSIGN_OR_RETURN(description.outputs, ReadTensors(json, "outputs"));
  return description;
}

std::string WriteModelDescription(const ModelDescription& description) {
  return Dumped({{"name", description.name},
                 {"versions", description.versions},
                 {"platform", description.platform},
                 {"inputs", TensorsJson(description.inputs)},
                 {"outputs", TensorsJson(description.outputs)}});
}

std::string ParseError(std::string_view text) {
  const Json json = Parsed(text);
  return json.is_object() ? Shown(TextOf(json, "error")) : "";
}

std::string WriteError(std::string_view message) { return "{\"error\":" + Quoted(message) + "}"; }

}  // namespace bowerbird::infer::remote
