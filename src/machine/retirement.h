// SPDX-License-Identifier: Apache-2.0
//
// Lets resources go on a thread of its own ("retire"): closing a camera may take its time, and the
// graph must not wait for it.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "machine/resource.h"

namespace bowerbird::machine {

// Thread-safe. Holds at most what a graph has replaced and not yet got rid of.
class Retirement {
 public:
  Retirement();
  ~Retirement();  // waits until everything is let go

  void Add(std::vector<std::shared_ptr<Resource>> resources);

 private:
  void Run();

  Mutex mutex_;
  CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<Resource>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bowerbird::machine
