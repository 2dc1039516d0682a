// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "infer/tflite_model.h"
#include "machine/builtins.h"
#include "machine/file_version.h"
#include "machine/label_file.h"
#include "machine/mlmodel_kserve.h"

namespace bowerbird::machine {
namespace {

constexpr int64_t kMostThreads = 64;
constexpr int64_t kMostInstances = 64;
constexpr int64_t kMostWaiting = 10'000;
constexpr int64_t kMostBatched = 64;
constexpr int64_t kDefaultBatched = 8;
constexpr double kMostDelayMs = 1000;
constexpr int64_t kMostIdleSeconds = 7 * 24 * 3600;
constexpr int64_t kMostMegabytes = 1'000'000;

// The model as loaded, with the path of a label file in its metadata.
class LabelledModel : public infer::Model {
 public:
  LabelledModel(std::unique_ptr<infer::TfliteModel> model, const std::string& labels_path)
      : model_(std::move(model)), metadata_(model_->metadata()) {
    for (auto& output : metadata_.outputs) {
      if (output.labels_path.empty()) output.labels_path = labels_path;
    }
  }

  const infer::ModelMetadata& metadata() const override { return metadata_; }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context& context) const override {
    return model_->Acquire(context);
  }

  const infer::TfliteModel& tflite() const { return *model_; }

 private:
  const std::unique_ptr<infer::TfliteModel> model_;
  infer::ModelMetadata metadata_;
};

// The file behind a model, as it was just before it was loaded.
struct ModelFile {
  std::string path;
  std::optional<FileVersion> version;
};

// One version of a model: whoever holds it can call it, whatever has replaced it meanwhile.
class TfliteCpu : public MlModel {
 public:
  TfliteCpu(std::unique_ptr<infer::TfliteModel> model, const std::string& labels_path,
            std::string name, ModelFile file)
      : model_(std::move(model), labels_path), name_(std::move(name)), file_(std::move(file)) {}

  const infer::Model& model() const override { return model_; }
  const std::string& metrics_label() const override { return name_; }

  bool OutlivesFailure() const override { return true; }
  // A file that is gone is no reason to stop.
  bool Outdated() const override {
    const auto now = VersionOfFile(file_.path);
    return now.has_value() && now != file_.version;
  }

  absl::StatusOr<Json> GetStatus(const Context&) override {
    const infer::RuntimeReport& report = model_.tflite().report();
    const infer::InstanceCounts counts = model_.tflite().instances();
    return Json{{"model_path", file_.path},
                {"runtime", "TensorFlow Lite " + report.runtime_version},
                {"delegate", report.delegate},
                {"preparation", report.preparation},
                {"batching", report.batching},
                {"instances",
                 {{"existing", counts.existing},
                  {"limit", counts.limit},
                  {"idle", counts.idle},
                  {"waiting", counts.waiting}}}};
  }

 private:
  const LabelledModel model_;
  const std::string name_;
  const ModelFile file_;
};

// "batching": {"max_size": 8, "max_delay_ms": 1}.
absl::Status ReadBatching(const Attributes& attributes, infer::TfliteOptions& options) {
  ASSIGN_OR_RETURN(const Attributes batching, attributes.Object("batching"));
  ASSIGN_OR_RETURN(const int64_t size, batching.Int("max_size", kDefaultBatched, 1, kMostBatched));
  options.batch_rows = static_cast<int>(size);
  if (!batching.Has("max_delay_ms")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const double delay, batching.Double("max_delay_ms", 0, 0, kMostDelayMs));
  options.batch_delay = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::milli>(delay));
  return absl::OkStatus();
}

absl::StatusOr<infer::TfliteOptions> ReadOptions(const Attributes& attributes) {
  infer::TfliteOptions options;
  ASSIGN_OR_RETURN(options.model_path, attributes.RequiredString("model_path"));
  ASSIGN_OR_RETURN(options.label_path, attributes.String("label_path"));
  ASSIGN_OR_RETURN(int64_t threads,
                   attributes.Int("num_threads", options.num_threads, -1, kMostThreads));
  // 0 and -1 have always meant as many as there are cores.
  if (threads <= 0) threads = std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, 64);
  options.num_threads = static_cast<int>(threads);
  ASSIGN_OR_RETURN(const int64_t instances, attributes.Int("instances", 0, 0, kMostInstances));
  options.instances = static_cast<int>(instances);
  ASSIGN_OR_RETURN(const int64_t waiting,
                   attributes.Int("max_waiting", options.max_waiting, 1, kMostWaiting));
  options.max_waiting = static_cast<int>(waiting);
  ASSIGN_OR_RETURN(const int64_t idle,
                   attributes.Int("instance_idle_seconds", 60, 0, kMostIdleSeconds));
  options.idle_period = std::chrono::seconds(idle);
  const auto prepare = attributes.Choice("prepare", "auto", {"auto", "none"});
  RETURN_IF_ERROR(prepare.status());
  if (*prepare == "none") options.prepare = infer::Prepare::kNone;
  ASSIGN_OR_RETURN(const int64_t megabytes, attributes.Int("max_memory_mb", 0, 0, kMostMegabytes));
  options.max_memory_bytes = static_cast<uint64_t>(megabytes) * 1'000'000;
  RETURN_IF_ERROR(ReadBatching(attributes, options));
  return options;
}

absl::StatusOr<std::vector<std::string>> Validate(const ResourceConfig& config,
                                                  const Attributes& attributes) {
  if (HasEngine(attributes)) return ValidateEngine(config, attributes);
  RETURN_IF_ERROR(ReadOptions(attributes).status());
  return std::vector<std::string>();
}

// Absolute: other processes are told of it. NOT_FOUND if nothing is there.
absl::StatusOr<std::string> ExistingFile(const std::string& path) {
  std::error_code error;
  std::string absolute = std::filesystem::absolute(path, error).string();
  if (std::filesystem::is_regular_file(absolute, error)) return absolute;
  return NotFound("file not found at " + absolute);
}

absl::StatusOr<std::shared_ptr<Resource>> Build(const BuildRequest& request) {
  if (HasEngine(request.attributes)) return BuildEngine(request);
  ASSIGN_OR_RETURN(auto options, ReadOptions(request.attributes));
  ASSIGN_OR_RETURN(options.model_path, ExistingFile(options.model_path));
  if (!options.label_path.empty()) {
    ASSIGN_OR_RETURN(options.label_path, ExistingFile(options.label_path));
  }
  options.probe = request.environment.model_probe;
  options.context = request.context;
  const std::string& name = request.config.name.name;
  options.sweeper = request.environment.sweeper;
  if (request.environment.metrics != nullptr) {
    options.metrics = infer::MetricsOf(*request.environment.metrics, name);
  }
  // Before the load: a file that is replaced meanwhile is seen as outdated.
  ModelFile file{options.model_path, VersionOfFile(options.model_path)};
  ASSIGN_OR_RETURN(auto model, infer::TfliteModel::Load(options));
  const infer::RuntimeReport& report = model->report();
  LogInfo("mlmodel/" + name, options.model_path + " runs on TensorFlow Lite " +
                                 report.runtime_version + ", delegate " + report.delegate + "; " +
                                 report.preparation + "; batching " + report.batching);
  for (const auto& warning : report.warnings) LogWarning("mlmodel/" + name, warning);
  std::string labels_path = options.label_path;
  if (labels_path.empty()) {
    auto written = WriteLabelFile(request.environment.data_dir, model->metadata().labels);
    // Only services in other processes miss it.
    if (!written.ok()) LogWarning("mlmodel/" + name, MessageOf(written.status()));
    if (written.ok()) labels_path = *written;
  }
  return std::make_shared<TfliteCpu>(std::move(model), labels_path, name, std::move(file));
}

}  // namespace

void AddTfliteModel(Catalog& catalog) {
  // The names under which configs ask for it: the module's, the older built-in one, its own.
  for (const char* model : {"viam:mlmodel-tflite:tflite_cpu", "rdk:builtin:tflite_cpu",
                            "bowerbird:tflite:tflite_cpu"}) {
    ModelEntry entry;
    entry.api = kMlModelApi;
    entry.model = *ModelName::Parse(model);
    entry.validate = Validate;
    entry.build = Build;
    catalog.Add(std::move(entry));
  }
}

}  // namespace bowerbird::machine
