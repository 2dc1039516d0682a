// SPDX-License-Identifier: Apache-2.0
#include "machine/retirement.h"

#include <iterator>
#include <utility>

#include <pthread.h>

namespace bowerbird::machine {

Retirement::Retirement() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "retire");
    Run();
  });
}

Retirement::~Retirement() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Retirement::Add(std::vector<std::shared_ptr<Resource>> resources) {
  if (resources.empty()) return;
  MutexLock lock(mutex_);
  waiting_.insert(waiting_.end(), std::make_move_iterator(resources.begin()),
                  std::make_move_iterator(resources.end()));
  changed_.NotifyAll();
}

void Retirement::Run() {
  for (;;) {
    std::vector<std::shared_ptr<Resource>> batch;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stop_) changed_.Wait(mutex_);
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
  }
}

}  // namespace bowerbird::machine
