// SPDX-License-Identifier: Apache-2.0
#include "machine/mlmodel_kserve.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "infer/labels.h"
#include "infer/remote/remote_model.h"
#include "machine/builtins.h"
#include "machine/label_file.h"

namespace bowerbird::machine {
namespace {

constexpr int64_t kMostInstances = 256;
constexpr double kShortestSeconds = 0.01;
constexpr double kLongestSeconds = 600;

class KServeModel : public MlModel {
 public:
  KServeModel(std::unique_ptr<infer::Model> model, std::string name)
      : model_(std::move(model)), name_(std::move(name)) {}

  const infer::Model& model() const override { return *model_; }
  const std::string& metrics_label() const override { return name_; }

 private:
  const std::unique_ptr<infer::Model> model_;
  const std::string name_;
};

// The remote model, with the path of its label file in its metadata.
class LabelledModel : public infer::Model {
 public:
  LabelledModel(std::unique_ptr<infer::Model> model, const std::string& labels_path)
      : model_(std::move(model)), metadata_(model_->metadata()) {
    for (auto& output : metadata_.outputs) output.labels_path = labels_path;
  }

  const infer::ModelMetadata& metadata() const override { return metadata_; }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context& context) const override {
    return model_->Acquire(context);
  }

 private:
  const std::unique_ptr<infer::Model> model_;
  infer::ModelMetadata metadata_;
};

std::chrono::nanoseconds Seconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

// "kserve" is the URL, with the other keys beside it, or an object that has all of them.
absl::StatusOr<infer::remote::RemoteOptions> ReadEngine(const Attributes& attributes) {
  ASSIGN_OR_RETURN(const Attributes engine, attributes.Object("engine"));
  const bool nested = engine.Has("kserve") && engine.json()["kserve"].is_object();
  if (!engine.Has("kserve"))
    return engine.Error("kserve", "is missing: the only other engine is kserve");
  ASSIGN_OR_RETURN(const Attributes settings,
                   nested ? engine.Object("kserve") : absl::StatusOr<Attributes>(engine));
  const std::string url_key = nested ? "url" : "kserve";
  infer::remote::RemoteOptions options;
  ASSIGN_OR_RETURN(const std::string url, settings.RequiredString(url_key));
  ASSIGN_OR_RETURN(const std::string protocol,
                   settings.Choice("protocol", "", {"", "grpc", "http"}));
  auto endpoint = infer::remote::Endpoint::Parse(url, protocol);
  if (!endpoint.ok()) return Annotate(endpoint.status(), settings.PathOf(url_key));
  options.endpoint = *std::move(endpoint);
  ASSIGN_OR_RETURN(options.model, settings.RequiredString("model"));
  // People write 2 as often as "2".
  const bool number = settings.Has("version") && settings.json()["version"].is_number();
  if (number) {
    ASSIGN_OR_RETURN(const int64_t version, settings.Int("version", 0, 0, INT64_MAX));
    options.version = std::to_string(version);
  } else {
    ASSIGN_OR_RETURN(options.version, settings.String("version"));
  }
  ASSIGN_OR_RETURN(options.ca_file, settings.String("ca_file"));
  ASSIGN_OR_RETURN(options.headers, settings.StringMap("headers"));
  for (const auto& [name, value] : options.headers) {
    const absl::Status status = infer::remote::CheckHeader(name, value);
    if (!status.ok()) return Annotate(status, settings.PathOf("headers"));
  }
  ASSIGN_OR_RETURN(const std::string encoding,
                   settings.Choice("encoding", "binary", {"binary", "json"}));
  options.json = encoding == "json";
  ASSIGN_OR_RETURN(const double timeout,
                   settings.Double("timeout_seconds", 30, kShortestSeconds, kLongestSeconds));
  options.timeout = Seconds(timeout);
  ASSIGN_OR_RETURN(const int64_t instances,
                   attributes.Int("instances", options.instances, 0, kMostInstances));
  if (instances > 0) options.instances = static_cast<int>(instances);
  return options;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ValidateEngine(const ResourceConfig&,
                                                        const Attributes& attributes) {
  RETURN_IF_ERROR(ReadEngine(attributes).status());
  RETURN_IF_ERROR(attributes.String("label_path").status());
  return std::vector<std::string>();
}

absl::StatusOr<std::shared_ptr<Resource>> BuildEngine(const BuildRequest& request) {
  ASSIGN_OR_RETURN(auto options, ReadEngine(request.attributes));
  ASSIGN_OR_RETURN(const std::string label_path, request.attributes.String("label_path"));
  if (!label_path.empty()) {
    ASSIGN_OR_RETURN(options.labels, infer::ReadLabels(label_path));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<infer::Model> model,
                   infer::remote::RemoteModel::Connect(request.context, std::move(options)));
  const std::string& name = request.config.name.name;
  LogInfo("mlmodel/" + name, "runs as " + model->metadata().description);
  auto written = WriteLabelFile(request.environment.data_dir, model->metadata().labels);
  // Only services in other processes miss it.
  if (!written.ok()) LogWarning("mlmodel/" + name, MessageOf(written.status()));
  model = std::make_unique<LabelledModel>(std::move(model), written.value_or(""));
  return std::make_shared<KServeModel>(std::move(model), name);
}

void AddKServeModel(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kMlModelApi;
  entry.model = *ModelName::Parse("bowerbird:remote:kserve");
  entry.validate = ValidateEngine;
  entry.build = BuildEngine;
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
