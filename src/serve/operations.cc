// SPDX-License-Identifier: Apache-2.0
#include "serve/operations.h"

#include <algorithm>
#include <utility>

#include "serve/crypto.h"

namespace bowerbird::serve {

struct OperationRegistry::State {
  OperationInfo info;
  std::atomic<bool> cancelled{false};

  Mutex mutex;
  CondVar cancel_returned;
  std::function<void()> cancel ABSL_GUARDED_BY(mutex);
  // The thread that runs `cancel` now; none: the default id.
  std::thread::id cancelling ABSL_GUARDED_BY(mutex);
};

OperationRegistry::Operation::~Operation() { End(); }

const OperationInfo& OperationRegistry::Operation::info() const { return state_->info; }

bool OperationRegistry::Operation::cancelled() const {
  return state_->cancelled.load(std::memory_order_relaxed);
}

void OperationRegistry::Operation::End() {
  registry_.Remove(state_->info.id);
  MutexLock lock(state_->mutex);
  state_->cancel = nullptr;
  // `cancel` may lead to End on its own thread: waiting there would be for ever.
  while (state_->cancelling != std::thread::id() &&
         state_->cancelling != std::this_thread::get_id()) {
    state_->cancel_returned.Wait(state_->mutex);
  }
}

std::unique_ptr<OperationRegistry::Operation> OperationRegistry::Begin(
    OperationInfo info, std::function<void()> cancel) {
  auto state = std::make_shared<State>();
  info.id = RandomUuid();
  info.started = std::chrono::system_clock::now();
  state->info = std::move(info);
  {
    MutexLock lock(state->mutex);
    state->cancel = std::move(cancel);
  }
  {
    MutexLock lock(mutex_);
    running_.emplace(state->info.id, state);
  }
  return std::unique_ptr<Operation>(new Operation(*this, std::move(state)));
}

void OperationRegistry::Remove(const std::string& id) {
  MutexLock lock(mutex_);
  if (running_.erase(id) > 0) ended_.NotifyAll();
}

std::vector<OperationInfo> OperationRegistry::List(const std::string& except_id) const {
  std::vector<OperationInfo> list;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, state] : running_) {
      if (id != except_id) list.push_back(state->info);
    }
  }
  std::sort(list.begin(), list.end(), [](const OperationInfo& a, const OperationInfo& b) {
    return std::tie(a.started, a.id) < std::tie(b.started, b.id);
  });
  return list;
}

bool OperationRegistry::Cancel(const std::string& id) {
  std::shared_ptr<State> state;
  {
    MutexLock lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) return false;
    state = found->second;
  }
  state->cancelled.store(true, std::memory_order_relaxed);
  std::function<void()> cancel;
  {
    MutexLock lock(state->mutex);
    cancel = std::exchange(state->cancel, nullptr);
    if (!cancel) return true;
    state->cancelling = std::this_thread::get_id();
  }
  cancel();
  MutexLock lock(state->mutex);
  state->cancelling = std::thread::id();
  state->cancel_returned.NotifyAll();
  return true;
}

absl::Status OperationRegistry::WaitUntilEnded(const Context& context,
                                               const std::string& id) const {
  MutexLock lock(mutex_);
  while (running_.count(id) > 0) {
    if (absl::Status status = context.Check(); !status.ok()) return status;
    const auto poll = std::chrono::steady_clock::now() + kCancellationPoll;
    ended_.WaitUntil(mutex_, std::min(poll, context.deadline));
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::serve
