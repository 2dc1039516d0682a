// SPDX-License-Identifier: Apache-2.0
#include "infer/pool_sweeper.h"

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <vector>

namespace bowerbird::infer {

PoolSweeper::PoolSweeper() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "pool-idle");
    Run();
  });
}

PoolSweeper::~PoolSweeper() {
  {
    MutexLock lock(mutex_);
    assert(pools_.empty() && "a pool outlives its sweeper");
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void PoolSweeper::Add(Pool& pool) {
  MutexLock lock(mutex_);
  pools_.insert(&pool);
  look_ = true;
  changed_.NotifyAll();
}

void PoolSweeper::Remove(Pool& pool) {
  MutexLock lock(mutex_);
  pools_.erase(&pool);
  while (sweeping_) changed_.Wait(mutex_);
}

void PoolSweeper::Trim() {
  MutexLock lock(mutex_);
  trim_ = true;
  changed_.NotifyAll();
}

void PoolSweeper::Look() {
  MutexLock lock(mutex_);
  look_ = true;
  changed_.NotifyAll();
}

void PoolSweeper::Run() {
  MutexLock lock(mutex_);
  auto next = Pool::TimePoint::max();
  while (!stop_) {
    if (!look_ && !trim_ && std::chrono::steady_clock::now() < next) {
      changed_.WaitUntil(mutex_, next);
      continue;
    }
    look_ = false;
    next = Sweep();
    if (trim_) TrimNow();
  }
}

void PoolSweeper::TrimNow() {
  trim_ = false;
  mutex_.Unlock();
  // Packed weights lie between blocks that live on: without this the heap keeps them.
  malloc_trim(0);
  mutex_.Lock();
}

Pool::TimePoint PoolSweeper::Sweep() {
  std::vector<std::unique_ptr<Instance>> retired;
  auto next = Pool::TimePoint::max();
  const auto now = std::chrono::steady_clock::now();
  for (Pool* pool : pools_) next = std::min(next, pool->Shrink(now, retired));
  if (retired.empty()) return next;
  sweeping_ = true;
  mutex_.Unlock();
  retired.clear();
  mutex_.Lock();
  sweeping_ = false;
  trim_ = true;
  changed_.NotifyAll();
  return next;
}

}  // namespace bowerbird::infer
