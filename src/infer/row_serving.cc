// SPDX-License-Identifier: Apache-2.0
#include "infer/row_serving.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "infer/tflite_lease.h"

namespace bowerbird::infer {
namespace {

using std::chrono::nanoseconds;

// Callers whose answers went out together come back together: waiting half a call for them fills
// the next run at little cost.
constexpr nanoseconds kLongestDelay = std::chrono::milliseconds(2);

nanoseconds DelayOf(const BatchPlan& plan, const TfliteOptions& options) {
  if (options.batch_delay.count() >= 0) return options.batch_delay;
  return std::min(plan.alone / 2, kLongestDelay);
}

}  // namespace

// A row in a caller's hands. A caller that wants another shape gets an instance instead.
class RowServing::RowLease : public Lease {
 public:
  RowLease(RowServing& serving, std::unique_ptr<BatchRow> row, Context context)
      : serving_(serving), row_(std::move(row)), context_(std::move(context)) {}
  ~RowLease() override { serving_.GiveBack(std::move(row_)); }
  RowLease(const RowLease&) = delete;
  RowLease& operator=(const RowLease&) = delete;

  absl::Status ResizeInputs(const std::vector<Shape>& shapes) override {
    if (alone_ == nullptr) {
      if (shapes == serving_.plan_.row_shapes) return absl::OkStatus();
      ASSIGN_OR_RETURN(std::unique_ptr<Instance> instance, serving_.pool_.Take(context_));
      alone_ = std::make_unique<TfliteLease>(serving_.pool_, serving_.gate_, context_,
                                             std::move(instance));
    }
    return alone_->ResizeInputs(shapes);
  }
  std::span<std::byte> Input(int index) override {
    if (alone_ != nullptr) return alone_->Input(index);
    return row_->inputs[static_cast<size_t>(index)];
  }
  TensorView InputView(int index) const override {
    if (alone_ != nullptr) return alone_->InputView(index);
    const auto at = static_cast<size_t>(index);
    return {serving_.loaded_.metadata.inputs[at].type, ShapeOf(index), row_->inputs[at]};
  }
  absl::Status Invoke(const Context& context) override {
    if (alone_ != nullptr) return alone_->Invoke(context);
    return serving_.batcher_.Run(context, *row_);
  }
  TensorView Output(int index) const override {
    if (alone_ != nullptr) return alone_->Output(index);
    const auto at = static_cast<size_t>(index);
    return {serving_.loaded_.metadata.outputs[at].type, serving_.plan_.output_shapes[at],
            row_->outputs[at]};
  }

 private:
  const Shape& ShapeOf(int index) const {
    return serving_.plan_.row_shapes[static_cast<size_t>(index)];
  }

  RowServing& serving_;
  std::unique_ptr<BatchRow> row_;
  const Context context_;  // of the call that the lease is part of
  std::unique_ptr<TfliteLease> alone_;
};

Batcher::Options RowServing::BatcherOptions(const BatchPlan& plan, const TfliteOptions& options) {
  Batcher::Options batcher;
  batcher.name = options.model_path;
  batcher.max_rows = plan.rows;
  batcher.worth_rows = plan.worth_rows;
  batcher.max_delay = DelayOf(plan, options);
  batcher.metrics = options.metrics;
  return batcher;
}

RowServing::RowServing(BatchPlan plan, const LoadedTflite& loaded, const TfliteOptions& options,
                       ShapeGate* gate, Pool& pool)
    : plan_(std::move(plan)),
      loaded_(loaded),
      name_(options.model_path),
      most_rows_(options.max_waiting + plan_.rows * pool.counts().limit),
      gate_(gate),
      pool_(pool),
      batcher_(BatcherOptions(plan_, options), pool,
               [this](Instance& instance, std::span<BatchRow* const> rows) {
                 RunRows(static_cast<TfliteInstance&>(instance), rows);
               }) {}

absl::StatusOr<std::unique_ptr<Lease>> RowServing::Acquire(const Context& context) {
  RETURN_IF_ERROR(context.Check());
  MutexLock lock(mutex_);
  if (rows_ >= most_rows_) {
    return ResourceExhausted("model " + name_ + ": " + std::to_string(rows_) +
                             " callers wait or run already; retry later, send fewer calls at once, "
                             "or raise 'instances'");
  }
  ++rows_;
  return std::make_unique<RowLease>(*this, TakeRow(), context);
}

std::unique_ptr<BatchRow> RowServing::TakeRow() {
  if (!spare_.empty()) {
    std::unique_ptr<BatchRow> row = std::move(spare_.back());
    spare_.pop_back();
    return row;
  }
  auto row = std::make_unique<BatchRow>();
  for (size_t i = 0; i < plan_.row_shapes.size(); ++i) {
    const auto count = static_cast<size_t>(*ElementCount(plan_.row_shapes[i]));
    row->inputs.emplace_back(count * DTypeSize(loaded_.metadata.inputs[i].type));
  }
  return row;
}

void RowServing::GiveBack(std::unique_ptr<BatchRow> row) {
  MutexLock lock(mutex_);
  --rows_;
  if (static_cast<int>(spare_.size()) < plan_.rows) spare_.push_back(std::move(row));
}

void RowServing::RunRows(TfliteInstance& instance, std::span<BatchRow* const> rows) const {
  if (rows.size() > 1 && RunAsOne(instance, rows).ok()) return;
  // One caller's input may be what the others must not suffer from.
  for (BatchRow* row : rows) row->status = RunAlone(instance, plan_, *row);
}

absl::Status RowServing::RunAsOne(TfliteInstance& instance, std::span<BatchRow* const> rows) const {
  if (instance.for_rows == nullptr) {
    auto made = MakeForRows(loaded_, /*num_threads=*/1, plan_);
    if (!made.ok()) {
      LogWarning("infer", "model " + name_ +
                              ": calls are run one by one, no instance can be made " +
                              "for several: " + MessageOf(made.status()));
      return made.status();
    }
    instance.for_rows = *std::move(made);
  }
  RETURN_IF_ERROR(RunTogether(*instance.for_rows, plan_, rows));
  for (BatchRow* row : rows) row->status = absl::OkStatus();
  return absl::OkStatus();
}

}  // namespace bowerbird::infer
