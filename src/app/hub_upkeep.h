// SPDX-License-Identifier: Apache-2.0
//
// What a hub does for its store without being asked: soon after the start, and once a day from
// then on, files are removed that no item and no snapshot refers to, which broken uploads leave.
//
// One thread, "hub-upkeep", of lowest priority; the hub serves while it works. What it did is in
// the log and in bowerbird_garbage_files_total and bowerbird_garbage_collections_total{result}.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "base/metrics.h"
#include "base/mutex.h"
#include "data/upkeep.h"

namespace bowerbird::app {

class HubUpkeep {
 public:
  struct Options {
    std::chrono::seconds every = std::chrono::hours(24);
    // Files that are younger may belong to an upload whose item is not there yet.
    std::chrono::seconds grace = std::chrono::hours(1);
  };

  // Begins at once. Both outlive it.
  HubUpkeep(data::Upkeep& upkeep, Metrics& metrics, Options options);
  HubUpkeep(data::Upkeep& upkeep, Metrics& metrics) : HubUpkeep(upkeep, metrics, Options()) {}
  // Breaks off what is going on; the next start goes on.
  ~HubUpkeep();
  HubUpkeep(const HubUpkeep&) = delete;
  HubUpkeep& operator=(const HubUpkeep&) = delete;

 private:
  void Loop();
  void CollectGarbage();

  data::Upkeep& upkeep_;
  Metrics& metrics_;
  const Options options_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  CondVar stopped_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace bowerbird::app
