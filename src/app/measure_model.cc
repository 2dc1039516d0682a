// SPDX-License-Identifier: Apache-2.0
#include "app/measure_model.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/model_json.h"
#include "app/probe_command.h"
#include "base/status.h"
#include "infer/diagnosis_places.h"
#include "infer/plain_model.h"
#include "infer/synthetic_input.h"
#include "infer/tflite_model.h"

namespace bowerbird::app {
namespace {

using Clock = std::chrono::steady_clock;
using infer::Shape;
using infer::Tensor;

constexpr int kWarmUps = 2;
constexpr size_t kMinRuns = 5;
constexpr size_t kMaxRuns = 200'000;

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// One caller of one variant. Used by one thread.
class Caller {
 public:
  virtual ~Caller() = default;
  // One call from inputs to readable outputs; `own_ms` is what the call spent beyond its Invoke,
  // where the variant knows that.
  virtual absl::Status Call(double* own_ms) = 0;
  // Copies of the outputs of the last call.
  std::vector<Tensor> outputs;
  bool keep_outputs = false;
};

class OurCaller : public Caller {
 public:
  OurCaller(const infer::TfliteModel& model, const std::vector<Tensor>& inputs) : model_(model) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      views_[model.metadata().inputs[i].name] = inputs[i].view();
    }
  }

  absl::Status Call(double* own_ms) override {
    PhaseTimes phases;
    Context context;
    context.phases = &phases;
    const Clock::time_point start = Clock::now();
    ASSIGN_OR_RETURN(const std::unique_ptr<infer::Lease> lease, model_.Acquire(context));
    ASSIGN_OR_RETURN(const infer::NamedViews results, infer::Run(context, model_, views_, *lease));
    *own_ms = Milliseconds(Clock::now() - start) - phases.Milliseconds(Phase::kInvoke);
    if (keep_outputs) Keep(results);
    return absl::OkStatus();
  }

 private:
  void Keep(const infer::NamedViews& results) {
    outputs.clear();
    for (const infer::TensorInfo& info : model_.metadata().outputs) {
      const infer::TensorView& view = results.at(info.name);
      outputs.push_back({view.type,
                         Shape(view.shape.begin(), view.shape.end()),
                         {view.bytes.begin(), view.bytes.end()}});
    }
  }

  const infer::TfliteModel& model_;
  infer::NamedViews views_;
};

class PlainCaller : public Caller {
 public:
  explicit PlainCaller(std::unique_ptr<infer::PlainModel> model) : model_(std::move(model)) {
    for (int i = 0; i < model_->input_count(); ++i) {
      Tensor input{model_->input_type(i), model_->input_shape(i), {}};
      input.bytes.resize(model_->input(i).size());
      infer::FillWithPattern(input.type, input.shape, input.bytes);
      inputs_.push_back(std::move(input));
    }
  }

  absl::Status Call(double* own_ms) override {
    *own_ms = 0;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      std::memcpy(model_->input(static_cast<int>(i)).data(), inputs_[i].bytes.data(),
                  inputs_[i].bytes.size());
    }
    if (!model_->Invoke()) return Internal("the runtime failed to run the model");
    if (!keep_outputs) return absl::OkStatus();
    outputs.clear();
    for (int i = 0; i < model_->output_count(); ++i) {
      const std::span<const std::byte> bytes = model_->output(i);
      outputs.push_back(
          {model_->output_type(i), model_->output_shape(i), {bytes.begin(), bytes.end()}});
    }
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<infer::PlainModel> model_;
  std::vector<Tensor> inputs_;
};

// Inputs of the pattern, in the shapes that a fresh lease has.
absl::StatusOr<std::vector<Tensor>> PatternInputs(const infer::TfliteModel& model) {
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::Lease> lease, model.Acquire(Context()));
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < model.metadata().inputs.size(); ++i) {
    const infer::TensorView view = lease->InputView(static_cast<int>(i));
    Tensor input{view.type, Shape(view.shape.begin(), view.shape.end()), {}};
    input.bytes.resize(view.bytes.size());
    infer::FillWithPattern(input.type, input.shape, input.bytes);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// Whether the model takes them. Values may be indices, of which a pattern has none that are valid;
// then zeros are, and `inputs` become that.
absl::StatusOr<std::string> MakeValid(const infer::TfliteModel& model,
                                      std::vector<Tensor>& inputs) {
  double own_ms = 0;
  if (OurCaller(model, inputs).Call(&own_ms).ok()) return "pattern";
  for (Tensor& input : inputs) std::ranges::fill(input.bytes, std::byte{0});
  RETURN_IF_ERROR(OurCaller(model, inputs).Call(&own_ms));
  return "zeros";
}

struct Samples {
  absl::Status status;
  std::vector<double> call_ms;
  std::vector<double> own_ms;
};

Samples Time(Caller& caller, double seconds) {
  Samples samples;
  double own_ms = 0;
  for (int i = 0; i < kWarmUps && samples.status.ok(); ++i) samples.status = caller.Call(&own_ms);
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double>(seconds));
  while (samples.status.ok() && samples.call_ms.size() < kMaxRuns &&
         (Clock::now() < end || samples.call_ms.size() < kMinRuns)) {
    const Clock::time_point start = Clock::now();
    samples.status = caller.Call(&own_ms);
    samples.call_ms.push_back(Milliseconds(Clock::now() - start));
    samples.own_ms.push_back(own_ms);
  }
  return samples;
}

// Every caller in a thread of its own, all at the same time; the samples of all of them.
Samples TimeAll(const std::vector<std::unique_ptr<Caller>>& callers, double seconds) {
  std::vector<Samples> each(callers.size());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < callers.size(); ++i) {
    threads.emplace_back([&, i] {
      pthread_setname_np(pthread_self(), "measure");
      each[i] = Time(*callers[i], seconds);
    });
  }
  each[0] = Time(*callers[0], seconds);
  for (std::thread& thread : threads) thread.join();
  Samples all = std::move(each[0]);
  for (size_t i = 1; i < each.size(); ++i) {
    all.status.Update(each[i].status);
    all.call_ms.insert(all.call_ms.end(), each[i].call_ms.begin(), each[i].call_ms.end());
    all.own_ms.insert(all.own_ms.end(), each[i].own_ms.begin(), each[i].own_ms.end());
  }
  return all;
}

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto nth = std::lround(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + nth, values.end());
  return values[static_cast<size_t>(nth)];
}

// The largest that this process's memory has been.
double PeakRssMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return 0;
}

absl::StatusOr<nlohmann::ordered_json> TimeToJson(
    const std::vector<std::unique_ptr<Caller>>& callers, double seconds, double load_ms) {
  const Clock::time_point start = Clock::now();
  const Samples samples = TimeAll(callers, seconds);
  const double elapsed = Milliseconds(Clock::now() - start) / 1000;
  RETURN_IF_ERROR(samples.status);
  const double peak_rss_mb = PeakRssMegabytes();  // before this keeps copies of its own
  callers[0]->keep_outputs = true;
  double own_ms = 0;
  RETURN_IF_ERROR(callers[0]->Call(&own_ms));
  nlohmann::ordered_json json = {
      {"p50_ms", Quantile(samples.call_ms, 0.5)},
      {"p99_ms", Quantile(samples.call_ms, 0.99)},
      {"load_ms", load_ms},
      {"peak_rss_mb", peak_rss_mb},
      {"overhead_us", Quantile(samples.own_ms, 0.5) * 1000},
      {"runs", samples.call_ms.size()},
      {"calls_per_second", static_cast<double>(samples.call_ms.size()) / elapsed}};
  AddTops(callers[0]->outputs, json);
  return json;
}

absl::StatusOr<nlohmann::ordered_json> MeasureOurs(const MeasureOptions& options) {
  const KnownModels known = OpenKnownModels(DefaultDataDir());
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::TfliteModel> model,
                   infer::TfliteModel::Load({.model_path = options.model,
                                             .label_path = options.labels,
                                             .num_threads = options.threads,
                                             .instances = options.instances,
                                             .probe = known.probe.get()}));
  ASSIGN_OR_RETURN(std::vector<Tensor> inputs, PatternInputs(*model));
  ASSIGN_OR_RETURN(const std::string input, MakeValid(*model, inputs));
  std::vector<std::unique_ptr<Caller>> callers;
  callers.reserve(static_cast<size_t>(options.instances));
  for (int i = 0; i < options.instances; ++i) {
    callers.push_back(std::make_unique<OurCaller>(*model, inputs));
  }
  ASSIGN_OR_RETURN(nlohmann::ordered_json json,
                   TimeToJson(callers, options.seconds, model->report().load_ms));
  json["input"] = input;
  if (options.places) {
    // For what the delegate of this model makes of the file as it is.
    const auto places = infer::DelegatedOperators(options.model, model->report().delegate);
    if (places.ok()) json["delegated"] = *places;
  }
  json["report"] = ToJson(model->report());
  json["metadata"] = ToJson(model->metadata());
  return json;
}

absl::StatusOr<nlohmann::ordered_json> MeasurePlain(const MeasureOptions& options) {
  std::vector<std::unique_ptr<Caller>> callers;
  callers.reserve(static_cast<size_t>(options.instances));
  double load_ms = 0;
  for (int i = 0; i < options.instances; ++i) {
    const Clock::time_point start = Clock::now();
    ASSIGN_OR_RETURN(std::unique_ptr<infer::PlainModel> model,
                     infer::PlainModel::Load({.model_path = options.model,
                                              .num_threads = options.threads,
                                              .xnnpack = options.variant == "plain_xnnpack"}));
    if (i == 0) load_ms = Milliseconds(Clock::now() - start);
    callers.push_back(std::make_unique<PlainCaller>(std::move(model)));
  }
  return TimeToJson(callers, options.seconds, load_ms);
}

}  // namespace

absl::StatusOr<nlohmann::ordered_json> MeasureHere(const MeasureOptions& options) {
  return options.variant == "ours" ? MeasureOurs(options) : MeasurePlain(options);
}

}  // namespace bowerbird::app
