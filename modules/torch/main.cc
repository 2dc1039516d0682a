// SPDX-License-Identifier: Apache-2.0
//
// The module torch: bowerbird:mlmodel:torch, an ML model service over TorchScript files. The same
// under the name that configs of the public registry use.
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "base/status.h"
#include "module.h"
#include "script_model.h"

namespace bowerbird::torch_module {
namespace {

namespace proto = viam::service::mlmodel::v1;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr char kService[] = "viam.service.mlmodel.v1.MLModelService";
constexpr double kMostThreads = 64;

// The codes of gRPC and Abseil are the same numbers.
grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.raw_code()), MessageOf(status)};
}

const Value* Find(const Struct& attributes, const std::string& key) {
  const auto found = attributes.fields().find(key);
  return found == attributes.fields().end() ? nullptr : &found->second;
}

absl::StatusOr<std::string> Text(const Struct& attributes, const std::string& key) {
  const Value* value = Find(attributes, key);
  if (value == nullptr) return "";
  if (value->has_string_value()) return value->string_value();
  return InvalidArgument("attribute \"" + key + "\" must be text");
}

bool IsWhole(const Value& value, double least, double most) {
  const double number = value.number_value();
  return value.has_number_value() && number >= least && number <= most &&
         std::trunc(number) == number;
}

// {"shape": [1, 3, 224, 224], "data_type": "float32"}
absl::StatusOr<InputForm> ReadForm(const std::string& name, const Value& value) {
  const std::string where = "attribute \"inputs\", \"" + name + "\": ";
  InputForm form;
  if (!value.has_struct_value())
    return InvalidArgument(where + "must be {\"shape\": [...], \"data_type\": ...}");
  if (const Value* type = Find(value.struct_value(), "data_type"); type != nullptr)
    form.data_type = type->string_value();
  if (const Value* shape = Find(value.struct_value(), "shape"); shape != nullptr) {
    for (const Value& extent : shape->list_value().values()) {
      if (!IsWhole(extent, -1, 1 << 24) || extent.number_value() == 0)
        return InvalidArgument(where + "\"shape\" must have whole numbers, -1 for any");
      form.shape.push_back(static_cast<int64_t>(extent.number_value()));
    }
  }
  return form;
}

absl::StatusOr<ScriptOptions> ReadOptions(const Struct& attributes) {
  ScriptOptions options;
  ASSIGN_OR_RETURN(options.model_path, Text(attributes, "model_path"));
  if (options.model_path.empty())
    return InvalidArgument("attribute \"model_path\" is missing: the path of a TorchScript file");
  ASSIGN_OR_RETURN(options.label_path, Text(attributes, "label_path"));
  if (const Value* threads = Find(attributes, "num_threads"); threads != nullptr) {
    if (!IsWhole(*threads, -1, kMostThreads))
      return InvalidArgument("attribute \"num_threads\" must be a whole number from -1 to 64");
    options.num_threads = static_cast<int>(std::max(0.0, threads->number_value()));
  }
  if (const Value* inputs = Find(attributes, "inputs"); inputs != nullptr) {
    for (const auto& [name, value] : inputs->struct_value().fields()) {
      ASSIGN_OR_RETURN(options.inputs[name], ReadForm(name, value));
    }
  }
  return options;
}

class Service final : public module::Resource {
 public:
  explicit Service(std::unique_ptr<ScriptModel> model) : model_(std::move(model)) {}

  grpc::Status Metadata(const proto::MetadataRequest&, proto::MetadataResponse& response) {
    *response.mutable_metadata() = model_->metadata();
    return grpc::Status::OK;
  }
  grpc::Status Infer(const proto::InferRequest& request, proto::InferResponse& response) {
    return ToGrpc(model_->Infer(request.input_tensors(), *response.mutable_output_tensors()));
  }

 private:
  const std::unique_ptr<ScriptModel> model_;
};

grpc::Status Validate(const Struct& attributes, module::Needs&) {
  return ToGrpc(ReadOptions(attributes).status());
}

grpc::Status Create(const module::Config& config, std::shared_ptr<module::Resource>& resource) {
  const auto options = ReadOptions(config.attributes);
  if (!options.ok()) return ToGrpc(options.status());
  auto model = ScriptModel::Load(*options);
  if (!model.ok()) return ToGrpc(model.status());
  resource = std::make_shared<Service>(*std::move(model));
  return grpc::Status::OK;
}

}  // namespace
}  // namespace bowerbird::torch_module

int main(int count, char** arguments) {
  using bowerbird::torch_module::kService;
  using bowerbird::torch_module::Service;
  module::Module program;
  for (const char* model : {"bowerbird:mlmodel:torch", "viam:mlmodel:torch-cpu"})
    program.Add({"rdk:service:mlmodel", kService, model, bowerbird::torch_module::Validate,
                 bowerbird::torch_module::Create});
  program.Serve(std::string(kService) + "/Metadata", &Service::Metadata);
  program.Serve(std::string(kService) + "/Infer", &Service::Infer);
  return program.Run(count, arguments);
}
