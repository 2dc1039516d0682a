// SPDX-License-Identifier: Apache-2.0
#include "infer/probe_child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <string_view>

#include "base/sha256.h"
#include "base/status.h"
#include "infer/load_observer.h"
#include "infer/mapped_file.h"
#include "infer/memory_plan.h"
#include "infer/prepare.h"
#include "infer/prepare_load.h"
#include "infer/row_trial.h"
#include "infer/tflite_loader.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {
namespace {

int told_at = STDOUT_FILENO;  // where the parent reads

// No buffer in between: what was told must have left when the process dies.
void Tell(std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = write(told_at, line.data(), line.size());
    if (count <= 0) _exit(1);  // the parent has gone
    line.remove_prefix(static_cast<size_t>(count));
  }
}

void OutOfMemory() {
  Tell("@memory\n");
  _exit(1);
}

void KeepToOurselves() {
  const int copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy >= 0) {
    told_at = copy;
    dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  const rlimit nothing{0, 0};
  setrlimit(RLIMIT_CORE, &nothing);
  std::ofstream("/proc/self/oom_score_adj") << "1000";
  std::set_new_handler(&OutOfMemory);
}

class Teller : public LoadObserver {
 public:
  explicit Teller(bool trace) : trace_(trace) {}
  void Stage(std::string_view stage) override { Tell("@stage " + std::string(stage) + "\n"); }
  bool WantsOperators() const override { return trace_; }
  void Operator(std::string_view operation, std::string_view name) override {
    Tell("@operator " + std::string(operation) + " " + std::string(name) + "\n");
  }
  void OperatorDone() override { Tell("@done\n"); }

 private:
  const bool trace_;
};

absl::Status CheckContents(const ProbeChildOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> file, MappedFile::Open(options.path));
  if (Sha256Hex(file->bytes()) == options.sha256) return absl::OkStatus();
  return Unavailable(options.path + " changes while it is loaded; load it again when it is whole");
}

// The parent says which file it is; the same contents may later come under another name.
absl::Status WithoutPath(const absl::Status& status, const std::string& path) {
  const std::string prefix = "model " + path + ": ";
  const std::string message = MessageOf(status);
  if (!message.starts_with(prefix)) return status;
  return absl::Status(status.code(), ToAbsl(std::string_view(message).substr(prefix.size())));
}

absl::Status CompareForms(const TfliteOptions& options, Teller& teller) {
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(options.model_path));
  RuntimeReport report;
  ASSIGN_OR_RETURN(const ReadyGraph ready, ReadForRuntime({options, file->bytes(), report}));
  teller.Stage("compares the forms that it could be run in");
  ASSIGN_OR_RETURN(const Preparation chosen,
                   ChooseForm(ready.graph, {.num_threads = options.num_threads,
                                            .allow_delegate = options.allow_delegate}));
  Tell("@preparation " + chosen.ToJson().dump(-1, ' ', true) + "\n");
  return absl::OkStatus();
}

void TellTrial(const ServingTrial& trial) {
  Tell("@serving " + trial.ToJson().dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
       "\n");
}

uint64_t GrownSince(uint64_t before) {
  const uint64_t now = AnonymousBytes();
  return now > before ? now - before : 0;
}

// Of the first instance and of one more, after both have run.
absl::Status MeasureMemory(const LoadedTflite& loaded, int num_threads, uint64_t before,
                           MemoryNeed& need) {
  RunOnPattern(*loaded.instance);
  const MappedFile& read = loaded.prepared != nullptr ? *loaded.prepared : *loaded.file;
  need.first = GrownSince(before) + read.bytes().size();
  const uint64_t with_one = AnonymousBytes();
  ASSIGN_OR_RETURN(const std::unique_ptr<TfliteInstance> another,
                   MakeInstance(loaded, num_threads));
  RunOnPattern(*another);
  need.another = GrownSince(with_one);
  return absl::OkStatus();
}

// What is told before the runs of several rows holds even if the process dies of them.
absl::Status TryToServe(const TfliteOptions& options, bool in_float, Teller& teller) {
  const uint64_t before = AnonymousBytes();
  teller.Stage("loads the model to try how it is served");
  ASSIGN_OR_RETURN(const LoadedTflite loaded,
                   LoadTflite(options, in_float ? Form::kFloat : Form::kAsGiven));
  ServingTrial trial;
  trial.refusal = "it was not tried to the end";
  RETURN_IF_ERROR(MeasureMemory(loaded, options.num_threads, before, trial.memory));
  TellTrial(trial);
  teller.Stage("runs " + std::to_string(options.batch_rows) + " calls in one");
  RETURN_IF_ERROR(TryRows(loaded, options, trial));
  TellTrial(trial);
  teller.Stage("frees the model after that");
  return absl::OkStatus();
}

absl::Status RunOnShapes(const TfliteOptions& options, const ProbeChildOptions& child,
                         Teller& teller) {
  teller.Stage("loads the model to try another shape");
  ASSIGN_OR_RETURN(const LoadedTflite loaded,
                   LoadTflite(options, child.in_float ? Form::kFloat : Form::kAsGiven));
  teller.Stage("runs on inputs of shape " + ShapesText(child.shapes));
  RETURN_IF_ERROR(loaded.instance->ResizeInputs(child.shapes));
  RunOnPattern(*loaded.instance);
  teller.Stage("goes back from inputs of shape " + ShapesText(child.shapes));
  RETURN_IF_ERROR(loaded.instance->RestoreShapes());
  teller.Stage("frees the model after inputs of shape " + ShapesText(child.shapes));
  return absl::OkStatus();
}

absl::Status Load(const ProbeChildOptions& options) {
  Teller teller(options.trace);
  teller.Stage("reads the file");
  RETURN_IF_ERROR(CheckContents(options));
  TfliteOptions load;
  load.model_path = options.path;
  load.num_threads = options.num_threads;
  load.allow_delegate = options.allow_delegate;
  load.batch_rows = options.rows;
  if (options.choose_form) return CompareForms(load, teller);
  if (!options.shapes.empty()) return RunOnShapes(load, options, teller);
  if (options.try_serving) return TryToServe(load, options.in_float, teller);
  load.observer = &teller;
  absl::StatusOr<LoadedTflite> result = LoadTflite(load);
  if (!result.ok()) return WithoutPath(result.status(), options.path);
  const LoadedTflite loaded = *std::move(result);
  teller.Stage("runs on a test pattern, with " + loaded.report.delegate);
  RunOnPattern(*loaded.instance);   // on values that zeros leave unused
  teller.Stage("frees the model");  // where the heap shows what was written beyond its blocks
  return absl::OkStatus();
}

// From JSON; none if it is anything else than lists of numbers.
std::vector<Shape> ShapesFrom(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<Shape> shapes;
  if (!json.is_array()) return shapes;
  for (const auto& shape : json) {
    Shape& extents = shapes.emplace_back();
    for (const auto& extent : shape) {
      if (!extent.is_number_integer()) return {};
      extents.push_back(extent.get<int64_t>());
    }
  }
  return shapes;
}

}  // namespace

std::vector<std::string> ToArguments(const ProbeChildOptions& options) {
  std::vector<std::string> arguments = {"--threads=" + std::to_string(options.num_threads),
                                        "--sha256=" + options.sha256};
  if (!options.allow_delegate) arguments.emplace_back("--no-delegate");
  if (options.trace) arguments.emplace_back("--trace");
  if (options.choose_form) arguments.emplace_back("--choose-form");
  if (options.try_serving) arguments.emplace_back("--try-serving");
  if (options.in_float) arguments.emplace_back("--in-float");
  if (options.rows > 1) arguments.push_back("--rows=" + std::to_string(options.rows));
  if (!options.shapes.empty())
    arguments.push_back("--shapes=" + nlohmann::json(options.shapes).dump());
  arguments.push_back("--file=" + options.path);
  return arguments;
}

ProbeChildOptions FromArguments(const std::vector<std::string>& arguments) {
  ProbeChildOptions options;
  for (const std::string& argument : arguments) {
    const auto value = [&](std::string_view name) {
      return argument.starts_with(name) ? argument.substr(name.size()) : std::string();
    };
    if (std::string text = value("--threads="); !text.empty()) {
      options.num_threads = std::atoi(text.c_str());
    }
    if (std::string text = value("--sha256="); !text.empty()) options.sha256 = text;
    if (std::string text = value("--file="); !text.empty()) options.path = text;
    if (argument == "--no-delegate") options.allow_delegate = false;
    if (argument == "--trace") options.trace = true;
    if (argument == "--choose-form") options.choose_form = true;
    if (argument == "--try-serving") options.try_serving = true;
    if (argument == "--in-float") options.in_float = true;
    if (std::string text = value("--rows="); !text.empty()) options.rows = std::atoi(text.c_str());
    if (std::string text = value("--shapes="); !text.empty()) options.shapes = ShapesFrom(text);
  }
  return options;
}

int RunProbeChild(const ProbeChildOptions& options) {
  KeepToOurselves();
  const absl::Status status = Load(options);
  const nlohmann::json message = MessageOf(status);
  Tell("@answer " + std::to_string(status.raw_code()) + " " +
       message.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
  return 0;
}

}  // namespace bowerbird::infer
