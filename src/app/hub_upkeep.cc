// SPDX-License-Identifier: Apache-2.0
#include "app/hub_upkeep.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "base/log.h"
#include "base/status.h"

namespace bowerbird::app {

HubUpkeep::HubUpkeep(data::Upkeep& upkeep, Metrics& metrics, Options options)
    : upkeep_(upkeep), metrics_(metrics), options_(options), thread_([this] { Loop(); }) {}

HubUpkeep::~HubUpkeep() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  thread_.join();
}

void HubUpkeep::Loop() {
  pthread_setname_np(pthread_self(), "hub-upkeep");
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
  while (!stopping_) {
    CollectGarbage();
    const auto next = std::chrono::steady_clock::now() + options_.every;
    const MutexLock lock(mutex_);
    while (!stopping_ && stopped_.WaitUntil(mutex_, next)) {
    }
  }
}

void HubUpkeep::CollectGarbage() {
  const Context context{.cancelled = [this] { return stopping_.load(); }};
  const auto removed = upkeep_.CollectGarbage(options_.grace, context);
  if (absl::IsCancelled(removed.status()) && stopping_) return;
  metrics_
      .GetCounter("bowerbird_garbage_collections_total",
                  "Searches for stored files that nothing refers to, by how they ended.",
                  {{"result", removed.ok() ? "ok" : "failed"}})
      .Add();
  auto& files = metrics_.GetCounter("bowerbird_garbage_files_total",
                                    "Stored files that nothing referred to, removed.");
  if (!removed.ok()) {
    LogWarning("hub", "files that nothing refers to: " + MessageOf(removed.status()));
    return;
  }
  files.Add(static_cast<double>(*removed));
  LogInfo("hub", std::to_string(*removed) + " files that nothing referred to were removed");
}

}  // namespace bowerbird::app
