// SPDX-License-Identifier: Apache-2.0
//
// One remote of the config, kept connected. Private to this folder.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/context.h"
#include "base/mutex.h"
#include "machine/config.h"
#include "machine/machine.h"
#include "machine/module/remote_connection.h"
#include "machine/module/remote_manager.h"

namespace bowerbird::machine {

// Thread-safe.
class Remote {
 public:
  // Starts its thread. `machine` outlives it; `id` is that of this run of it.
  Remote(const RemoteConfig& config, std::string id, Machine& machine);
  // Disconnects; its resources go.
  ~Remote();

  const RemoteConfig& config() const { return config_; }
  RemoteStatus Status() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The ids of all machines behind it, whether it is used or refused.
  std::vector<std::string> Reach() const ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Resources = std::map<ResourceName, std::shared_ptr<Resource>>;  // by their names here

  void Run();
  // From connecting until the connection is lost; why.
  absl::Status Hold(const RemoteSettings& settings);
  absl::Status Look(const std::shared_ptr<RemoteConnection>& connection);
  absl::Status CheckReach(const std::vector<std::string>& reach) ABSL_LOCKS_EXCLUDED(mutex_);
  void Take(const std::shared_ptr<RemoteConnection>& connection, const RemoteInventory& inventory);
  void ShowConnected() ABSL_LOCKS_EXCLUDED(mutex_);
  void Lose(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);
  // False when it is to stop.
  bool Pause(std::chrono::nanoseconds time) const ABSL_LOCKS_EXCLUDED(mutex_);
  Context NewContext() const;

  const RemoteConfig config_;
  const std::string id_;
  Machine& machine_;

  // Of the thread alone.
  Resources resources_;          // null while it is lost
  std::set<ResourceName> told_;  // what cannot be used, and the log says so

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  RemoteStatus status_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> reach_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bowerbird::machine
