// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_model.h"

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "infer/pool.h"
#include "infer/tflite_loader.h"

namespace bowerbird::infer {
namespace {

class TfliteLease : public Lease {
 public:
  TfliteLease(Pool& pool, std::unique_ptr<Instance> instance)
      : pool_(pool), instance_(std::move(instance)) {}
  ~TfliteLease() override { pool_.GiveBack(std::move(instance_)); }

  absl::Status ResizeInput(int index, const Shape& shape) override {
    return tflite().ResizeInput(index, shape);
  }
  std::span<std::byte> Input(int index) override { return tflite().Input(index); }
  TensorView InputView(int index) const override { return tflite().InputView(index); }
  absl::Status Invoke(const Context& context) override { return tflite().Invoke(context); }
  TensorView Output(int index) const override { return tflite().Output(index); }

  TfliteInstance& tflite() const { return static_cast<TfliteInstance&>(*instance_); }

 private:
  Pool& pool_;
  std::unique_ptr<Instance> instance_;  // a TfliteInstance: the pool's factory makes no other
};

class PooledTfliteModel : public TfliteModel {
 public:
  PooledTfliteModel(const TfliteOptions& options, LoadedTflite loaded)
      : loaded_(std::move(loaded)),
        pool_({.name = options.model_path,
               .instances = InstancesOf(options),
               .max_waiting = options.max_waiting},
              std::move(loaded_.instance),
              [this, threads = options.num_threads]() -> absl::StatusOr<std::unique_ptr<Instance>> {
                return MakeInstance(loaded_, threads);
              }) {}

  const ModelMetadata& metadata() const override { return loaded_.metadata; }
  const RuntimeReport& report() const override { return loaded_.report; }
  InstanceCounts instances() const override { return pool_.counts(); }

  absl::StatusOr<std::unique_ptr<Lease>> Acquire(const Context& context) const override {
    while (true) {
      ASSIGN_OR_RETURN(std::unique_ptr<Instance> instance, pool_.Take(context));
      auto lease = std::make_unique<TfliteLease>(pool_, std::move(instance));
      // An instance that cannot be brought back to its shapes is dropped; the next one is taken.
      if (lease->tflite().RestoreShapes().ok()) return lease;
    }
  }

 private:
  static int InstancesOf(const TfliteOptions& options) {
    if (options.instances > 0) return options.instances;
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  LoadedTflite loaded_;
  mutable Pool pool_;  // borrowing is not a change that callers can see
};

absl::Status CheckOptions(const TfliteOptions& options) {
  if (options.num_threads < 1 || options.num_threads > 256) {
    return InvalidArgument("num_threads is " + std::to_string(options.num_threads) +
                           ", it must be from 1 to 256");
  }
  if (options.instances < 0 || options.instances > 256) {
    return InvalidArgument("instances is " + std::to_string(options.instances) +
                           ", it must be from 0 (one per core) to 256");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TfliteModel>> TfliteModel::Load(const TfliteOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(LoadedTflite loaded, LoadTflite(options));
  loaded.report.load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  for (const std::string& warning : loaded.report.warnings) {
    LogWarning("infer", options.model_path + ": " + warning);
  }
  return std::make_unique<PooledTfliteModel>(options, std::move(loaded));
}

}  // namespace bowerbird::infer
