// SPDX-License-Identifier: Apache-2.0
//
// The library's door: the engine behind train/network.h.
#include "train/network.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

#include <cmath>
#include <string_view>

#include "base/status.h"
#include "train/torch/losses.h"
#include "train/torch/module.h"

namespace bowerbird::train {
namespace {

constexpr double kFirstMoment = 0.9;
constexpr double kSecondMoment = 0.999;
constexpr double kEpsilon = 1e-8;

// The library reports by exceptions, whose text goes on for pages behind its first line.
template <typename Function>
auto Caught(std::string_view what, const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    return Internal(std::string(what) + ": " + std::string(text.substr(0, text.find('\n'))));
  }
}

class TorchNetwork : public Network {
 public:
  TorchNetwork(std::unique_ptr<Module> module, const NetworkOptions& options)
      : module_(std::move(module)), options_(options) {
    Restart();
  }

  absl::StatusOr<std::vector<Activations>> Run(std::span<const float> input, int batch,
                                               WeightSet weights) override {
    return Caught("the network does not run", [&]() -> absl::StatusOr<std::vector<Activations>> {
      RETURN_IF_ERROR(CheckInput(input, batch));
      const at::NoGradGuard no_gradient;
      std::vector<Activations> results;
      for (const at::Tensor& output : module_->Run(input, batch, ValuesOf(weights))) {
        Activations& result = results.emplace_back();
        for (const int64_t extent : output.sizes())
          result.shape.push_back(static_cast<int32_t>(extent));
        const auto* first = output.data_ptr<float>();
        result.values.assign(first, first + output.numel());
      }
      return results;
    });
  }

  absl::StatusOr<StepResult> Step(const Batch& batch, double learning_rate) override {
    return Caught("a training step fails", [&]() -> absl::StatusOr<StepResult> {
      RETURN_IF_ERROR(CheckInput(batch.input, batch.size));
      const std::vector<at::Tensor> outputs = module_->RunToLearn(batch.input, batch.size);
      ASSIGN_OR_RETURN(const at::Tensor loss, Loss(options_, outputs, batch));
      StepResult result;
      result.loss = loss.item<double>();
      result.applied = std::isfinite(result.loss);
      if (!result.applied) return result;
      for (Parameter& parameter : module_->parameters()) parameter.value.mutable_grad().reset();
      if (loss.requires_grad()) loss.backward();
      result.gradient_norm = GradientNorm();
      result.applied = std::isfinite(result.gradient_norm);
      if (result.applied) Update(learning_rate, result.gradient_norm);
      return result;
    });
  }

  absl::Status Export(tflite::Graph& graph, WeightSet weights) const override {
    return Caught("the weights cannot be written",
                  [&] { return module_->Export(graph, ValuesOf(weights)); });
  }

  absl::Status Load(const tflite::Graph& graph) override {
    return Caught("the weights cannot be read", [&] {
      const absl::Status loaded = module_->Load(graph);
      if (loaded.ok()) Restart();
      return loaded;
    });
  }

 private:
  struct Moments {
    at::Tensor first, second, average;
  };

  void Restart() {
    const at::NoGradGuard no_gradient;
    steps_ = 0;
    moments_.clear();
    for (const Parameter& parameter : module_->parameters()) {
      Moments& moments = moments_.emplace_back();
      if (parameter.learning_rate == 0) continue;
      moments.first = at::zeros_like(parameter.value);
      moments.second = at::zeros_like(parameter.value);
      if (options_.average_decay > 0) moments.average = parameter.value.detach().clone();
    }
  }

  absl::Status CheckInput(std::span<const float> input, int batch) const {
    if (batch < 1 || input.size() != module_->input_elements() * static_cast<size_t>(batch))
      return InvalidArgument("a batch of " + std::to_string(batch) + " has " +
                             std::to_string(input.size()) + " values, the network wants " +
                             std::to_string(module_->input_elements()) + " for each picture");
    return absl::OkStatus();
  }

  std::vector<at::Tensor> ValuesOf(WeightSet weights) const {
    std::vector<at::Tensor> values;
    for (size_t i = 0; i < moments_.size(); ++i) {
      const bool averaged = weights == WeightSet::kAveraged && moments_[i].average.defined();
      values.push_back(averaged ? moments_[i].average : module_->parameters()[i].value);
    }
    return values;
  }

  double GradientNorm() const {
    double sum = 0;
    for (const Parameter& parameter : module_->parameters()) {
      const at::Tensor& gradient = parameter.value.grad();
      if (!gradient.defined()) continue;
      const double norm = gradient.norm().item<double>();
      sum += norm * norm;
    }
    return std::sqrt(sum);
  }

  // One step of AdamW (Loshchilov and Hutter, 2019).
  void Update(double learning_rate, double norm) {
    const at::NoGradGuard no_gradient;
    module_->KeepBatch();
    ++steps_;
    const double scale =
        options_.clip_norm > 0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1;
    const double first_correction = 1 - std::pow(kFirstMoment, steps_);
    const double second_correction = 1 - std::pow(kSecondMoment, steps_);
    for (size_t i = 0; i < moments_.size(); ++i) {
      Parameter& parameter = module_->parameters()[i];
      const at::Tensor& gradient = parameter.value.grad();
      if (parameter.learning_rate == 0 || !gradient.defined()) continue;
      const double rate = learning_rate * static_cast<double>(parameter.learning_rate);
      Moments& moments = moments_[i];
      moments.first.mul_(kFirstMoment).add_(gradient, (1 - kFirstMoment) * scale);
      moments.second.mul_(kSecondMoment)
          .addcmul_(gradient, gradient, (1 - kSecondMoment) * scale * scale);
      if (parameter.is_weight) parameter.value.mul_(1 - rate * options_.weight_decay);
      const at::Tensor below =
          moments.second.sqrt().div_(std::sqrt(second_correction)).add_(kEpsilon);
      parameter.value.addcdiv_(moments.first, below, -rate / first_correction);
      if (moments.average.defined()) Average(moments.average, parameter.value);
    }
  }

  // Early averages follow faster, or they would remember the start for too long.
  void Average(at::Tensor& average, const at::Tensor& value) const {
    const auto steps = static_cast<double>(steps_);
    const double decay = std::min(options_.average_decay, (1 + steps) / (10 + steps));
    average.mul_(decay).add_(value, 1 - decay);
  }

  std::unique_ptr<Module> module_;
  const NetworkOptions options_;
  std::vector<Moments> moments_;  // by parameter
  int64_t steps_ = 0;
};

// A step takes and returns hundreds of megabytes. Unless the process keeps them, the system clears
// every page of them again in each step, which is a third of the time.
void KeepMemory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
}

// The library's own number of threads does not reach OpenBLAS, whose idle threads burn processor
// time. Other BLAS libraries have one thread.
void SetBlasThreads(int threads) {
  void* blas = dlopen("libblas.so.3", RTLD_NOW | RTLD_NOLOAD);
  if (blas == nullptr) return;
  using SetThreads = void (*)(int);
  if (void* set = dlsym(blas, "openblas_set_num_threads"); set != nullptr)
    reinterpret_cast<SetThreads>(set)(threads);
  dlclose(blas);
}

class TorchEngine : public NetworkEngine {
 public:
  std::string Name() const override { return "libtorch " TORCH_VERSION; }

  absl::StatusOr<std::unique_ptr<Network>> Create(const tflite::Graph& graph,
                                                  const NetworkOptions& options) override {
    return Caught("the network cannot be made", [&]() -> absl::StatusOr<std::unique_ptr<Network>> {
      KeepMemory();
      at::set_num_threads(options.threads);
      SetBlasThreads(options.threads);
      at::globalContext().setDeterministicAlgorithms(true, true);
      // Tiny weights that are no normal numbers make convolutions slow.
      at::globalContext().setFlushDenormal(true);
      ASSIGN_OR_RETURN(std::unique_ptr<Module> module,
                       Module::Create(graph, {options.learning_rates, options.normalized}));
      return std::make_unique<TorchNetwork>(std::move(module), options);
    });
  }
};

}  // namespace
}  // namespace bowerbird::train

extern "C" __attribute__((visibility("default"))) bowerbird::train::NetworkEngine*
bowerbird_network_engine_2() {
  static bowerbird::train::TorchEngine engine;
  return &engine;
}
