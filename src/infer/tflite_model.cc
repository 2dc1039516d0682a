// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_model.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "infer/pool.h"
#include "infer/pool_sweeper.h"
#include "infer/row_serving.h"
#include "infer/shape_gate.h"
#include "infer/tflite_lease.h"
#include "infer/tflite_loader.h"

namespace bowerbird::infer {
namespace {

// Tells the sweeper that everything declared after it has gone.
class TrimAtEnd {
 public:
  explicit TrimAtEnd(std::shared_ptr<PoolSweeper> sweeper) : sweeper_(std::move(sweeper)) {}
  ~TrimAtEnd() {
    if (sweeper_ != nullptr) sweeper_->Trim();
  }
  TrimAtEnd(const TrimAtEnd&) = delete;
  TrimAtEnd& operator=(const TrimAtEnd&) = delete;

  PoolSweeper* sweeper() const { return sweeper_.get(); }

 private:
  const std::shared_ptr<PoolSweeper> sweeper_;
};

class PooledTfliteModel : public TfliteModel {
 public:
  PooledTfliteModel(const TfliteOptions& options, BatchPlan plan, LoadedTflite loaded)
      : end_(options.sweeper),
        loaded_(std::move(loaded)),
        gate_(ShapeGate::For(loaded_, options)),
        pool_(PoolOptions(options, loaded_.need, plan.rows > 1), std::move(loaded_.instance),
              [this, threads = options.num_threads]() -> absl::StatusOr<std::unique_ptr<Instance>> {
                return MakeInstance(loaded_, threads);
              }) {
    if (plan.rows > 1) {
      row_serving_ =
          std::make_unique<RowServing>(std::move(plan), loaded_, options, gate_.get(), pool_);
    }
    if (end_.sweeper() != nullptr) end_.sweeper()->Add(pool_);
  }
  ~PooledTfliteModel() override {
    if (end_.sweeper() != nullptr) end_.sweeper()->Remove(pool_);
  }
  PooledTfliteModel(const PooledTfliteModel&) = delete;
  PooledTfliteModel& operator=(const PooledTfliteModel&) = delete;

  const ModelMetadata& metadata() const override { return loaded_.metadata; }
  const RuntimeReport& report() const override { return loaded_.report; }
  InstanceCounts instances() const override {
    InstanceCounts counts = pool_.counts();
    if (row_serving_ != nullptr) counts.waiting += row_serving_->waiting();
    return counts;
  }

  absl::StatusOr<std::unique_ptr<Lease>> Acquire(const Context& context) const override {
    while (true) {
      ASSIGN_OR_RETURN(std::unique_ptr<Instance> instance, row_serving_ == nullptr
                                                               ? pool_.Take(context)
                                                               : pool_.TakeUnlessBusy(context));
      if (instance == nullptr) return row_serving_->Acquire(context);
      auto lease = std::make_unique<TfliteLease>(pool_, gate_.get(), context, std::move(instance));
      // An instance that cannot be brought back to its shapes is dropped; the next one is taken.
      if (lease->tflite().RestoreShapes().ok()) return lease;
    }
  }

 private:
  static Pool::Options PoolOptions(const TfliteOptions& options, const MemoryNeed& need,
                                   bool with_rows) {
    Pool::Options pool;
    pool.name = options.model_path;
    pool.instances =
        PlanMemory(need, options.max_memory_bytes, WantedInstances(options), with_rows).instances;
    pool.max_waiting = options.max_waiting;
    pool.idle_period = options.idle_period;
    pool.metrics = options.metrics;
    if (options.sweeper != nullptr) {
      pool.on_grown = [sweeper = options.sweeper] { sweeper->Look(); };
    }
    return pool;
  }

  const TrimAtEnd end_;
  LoadedTflite loaded_;
  const std::unique_ptr<ShapeGate> gate_;    // null: every shape is taken
  mutable Pool pool_;                        // borrowing is not a change that callers can see
  std::unique_ptr<RowServing> row_serving_;  // null: no calls are run together
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
  if (options.batch_rows < 1 || options.batch_rows > 64) {
    return InvalidArgument("batch_rows is " + std::to_string(options.batch_rows) +
                           ", it must be from 1 (never together) to 64");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TfliteModel>> TfliteModel::Load(const TfliteOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(LoadedTflite loaded, LoadTflite(options));
  BatchPlan plan = PlanBatching(loaded, options);
  loaded.report.batching = plan.verdict;
  loaded.report.load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  for (const std::string& warning : loaded.report.warnings) {
    LogWarning("infer", options.model_path + ": " + warning);
  }
  return std::make_unique<PooledTfliteModel>(options, std::move(plan), std::move(loaded));
}

}  // namespace bowerbird::infer
