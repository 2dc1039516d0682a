// SPDX-License-Identifier: Apache-2.0
//
// One module of the config, kept running. Private to this folder.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "machine/catalog.h"
#include "machine/module/module_launch.h"
#include "machine/module/module_manager.h"
#include "machine/module/module_process.h"

namespace bowerbird::machine {

// Thread-safe.
class SupervisedModule {
 public:
  // Starts its thread. Both outlive it.
  SupervisedModule(const ModuleConfig& config, const ModuleHost& host, Catalog& catalog);
  // Stop, and waits.
  ~SupervisedModule();

  // From now on it is on its way out: its models first, then, once nobody uses what they built, the
  // process.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  void Restart() ABSL_LOCKS_EXCLUDED(mutex_);

  const ModuleConfig& config() const { return config_; }
  const ModuleHost& host() const { return host_; }
  ModuleStatus Status() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  // From start to end; false: it never became ready.
  bool RunOnce();
  std::shared_ptr<ModuleProcess> StartProcess();
  // Those that are not taken by others; called again until all are there.
  void AddModels(const std::shared_ptr<ModuleProcess>& process, bool first)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void RemoveModels();
  // Until it has ended, or must: true if it ended by itself.
  bool AwaitEnd(const std::shared_ptr<ModuleProcess>& process);
  static void AwaitRelease(const std::shared_ptr<ModuleProcess>& process);
  void Fail(const std::string& error);
  std::chrono::nanoseconds PauseAfterFailure() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool MustEnd() const ABSL_LOCKS_EXCLUDED(mutex_);

  const ModuleConfig config_;
  const ModuleHost host_;
  Catalog& catalog_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool restarting_ ABSL_GUARDED_BY(mutex_) = false;
  bool no_process_ ABSL_GUARDED_BY(mutex_) = false;  // the last failure came before there was one
  ModuleStatus status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bowerbird::machine
