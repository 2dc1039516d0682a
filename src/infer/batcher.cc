// SPDX-License-Identifier: Apache-2.0
#include "infer/batcher.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/status.h"

namespace bowerbird::infer {
namespace {

void AddPhases(PhaseTimes* phases, std::chrono::nanoseconds queued, std::chrono::nanoseconds ran) {
  if (phases == nullptr) return;
  phases->Add(Phase::kQueue, queued);
  phases->Add(Phase::kInvoke, ran);
}

}  // namespace

Batcher::Batcher(Options options, Pool& pool, Runner runner)
    : options_(std::move(options)), pool_(pool), runner_(std::move(runner)) {}

absl::Status Batcher::Run(const Context& context, BatchRow& row) {
  RETURN_IF_ERROR(context.Check());
  const auto arrived = Clock::now();
  Turn turn(row);
  turn.deadline = context.deadline;
  absl::Status status;
  bool leads = false;
  {
    MutexLock lock(mutex_);
    Join(turn);
    status = WaitForTurn(context, turn);
    leads = status.ok() && turn.state == Turn::State::kLeads;
  }
  if (leads) status = Lead(context, turn);
  if (!status.ok()) {
    AddPhases(context.phases, Clock::now() - arrived, {});
    return status;
  }
  AddPhases(context.phases, turn.started - arrived, turn.ended - turn.started);
  return row.status;
}

void Batcher::Count(int waiting) const {
  if (options_.metrics.waiting != nullptr) options_.metrics.waiting->Add(waiting);
}

void Batcher::Join(Turn& turn) {
  queue_.push_back(&turn);
  if (queue_.size() == 1) {
    turn.state = Turn::State::kLeads;
    return;
  }
  Count(1);
  arrived_.NotifyOne();
}

absl::Status Batcher::WaitForTurn(const Context& context, Turn& turn) {
  while (turn.state == Turn::State::kWaits) {
    const auto until = context.cancelled
                           ? std::min(context.deadline, Clock::now() + kCancellationPoll)
                           : context.deadline;
    turn.changed.WaitUntil(mutex_, until);
    if (turn.state != Turn::State::kWaits) break;
    if (absl::Status status = context.Check(); !status.ok()) {
      std::erase(queue_, &turn);
      Count(-1);
      return Annotate(status, "model " + options_.name + " (" + std::to_string(queue_.size()) +
                                  " callers waiting)");
    }
  }
  while (turn.state == Turn::State::kRuns) turn.changed.Wait(mutex_);
  return absl::OkStatus();
}

absl::Status Batcher::Lead(const Context& context, Turn& turn) {
  Context waiting = context;
  waiting.phases = nullptr;  // the wait is counted by Run
  absl::StatusOr<std::unique_ptr<Instance>> instance = pool_.Take(waiting);
  std::vector<Turn*> turns;
  {
    MutexLock lock(mutex_);
    if (instance.ok()) {
      WaitForMore();
      turns = Gather();
    } else {
      std::erase(queue_, &turn);
    }
    PassOn();
  }
  if (!instance.ok()) return instance.status();
  std::vector<BatchRow*> rows;
  rows.reserve(turns.size());
  for (const Turn* one : turns) rows.push_back(one->row);
  const auto started = Clock::now();
  runner_(**instance, rows);
  const auto ended = Clock::now();
  pool_.GiveBack(*std::move(instance));
  MutexLock lock(mutex_);
  for (Turn* one : turns) {
    one->started = started;
    one->ended = ended;
    one->state = Turn::State::kDone;
    if (one != &turn) one->changed.NotifyOne();
  }
  return absl::OkStatus();
}

void Batcher::WaitForMore() {
  if (options_.max_delay.count() <= 0) return;
  const auto until = Clock::now() + options_.max_delay;
  while (static_cast<int>(queue_.size()) < options_.max_rows && Clock::now() < until) {
    arrived_.WaitUntil(mutex_, until);
  }
}

std::vector<Batcher::Turn*> Batcher::Gather() {
  DropLate();
  const int present = std::min(static_cast<int>(queue_.size()), options_.max_rows);
  const int taken = present >= options_.worth_rows ? present : 1;
  std::vector<Turn*> turns(queue_.begin(), queue_.begin() + taken);
  queue_.erase(queue_.begin(), queue_.begin() + taken);
  for (Turn* turn : turns) turn->state = Turn::State::kRuns;
  Count(1 - taken);
  if (taken > 1 && options_.metrics.batches != nullptr) options_.metrics.batches->Add();
  if (taken > 1 && options_.metrics.batched_calls != nullptr) {
    options_.metrics.batched_calls->Add(taken);
  }
  return turns;
}

// Nobody waits for these any more. Their callers notice it themselves; here they only make way.
void Batcher::DropLate() {
  const auto now = Clock::now();
  const auto late = std::stable_partition(queue_.begin() + 1, queue_.end(),
                                          [&](const Turn* turn) { return turn->deadline > now; });
  for (auto it = late; it != queue_.end(); ++it) {
    Turn& turn = **it;
    turn.row->status = absl::DeadlineExceededError(
        ToAbsl("model " + options_.name + ": the call's time was over before its turn came"));
    turn.started = turn.ended = now;
    turn.state = Turn::State::kDone;
    turn.changed.NotifyOne();
    Count(-1);
  }
  queue_.erase(late, queue_.end());
}

void Batcher::PassOn() {
  if (queue_.empty()) return;
  Turn& next = *queue_.front();
  next.state = Turn::State::kLeads;
  Count(-1);
  next.changed.NotifyOne();
}

int Batcher::waiting() const {
  MutexLock lock(mutex_);
  return std::max(0, static_cast<int>(queue_.size()) - 1);
}

}  // namespace bowerbird::infer
