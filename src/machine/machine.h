// SPDX-License-Identifier: Apache-2.0
//
// The machine: a config turned into a graph of live resources, kept so while the config changes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/catalog.h"
#include "machine/config.h"
#include "machine/resource.h"

namespace bowerbird::machine {

enum class ResourceState {
  kUnconfigured = 1,
  kConfiguring = 2,
  kReady = 3,
  kRemoving = 4,
  kUnhealthy = 5
};

struct ResourceStatus {
  ResourceName name;
  ResourceState state = ResourceState::kUnconfigured;
  std::chrono::system_clock::time_point last_updated;
  std::string revision;
  std::string error;
};

struct MachineStatus {
  std::vector<ResourceStatus> resources;  // sorted by name
  std::string revision;
  std::chrono::system_clock::time_point config_updated;
  bool running = false;  // false until the first config has been gone through once
};

struct MachineOptions {
  std::chrono::nanoseconds retry_interval = std::chrono::seconds(5);
  std::chrono::nanoseconds build_timeout = std::chrono::minutes(2);
};

// Thread-safe. Find never waits for a build.
class Machine : public ResourceFinder {
 public:
  // Starts the worker thread "graph", which builds, retries and removes.
  Machine(const Catalog& catalog, Metrics& metrics, std::string data_dir,
          MachineOptions options = {});
  ~Machine() override;

  // Makes `config` the wanted state; returns at once. The worker rebuilds what changed and what
  // depends on it; calls in flight keep the old resources until they end.
  void Apply(Config config);

  // Waits until the last applied config has been gone through, or the context ends.
  absl::Status WaitUntilApplied(const Context& context) const;

  absl::StatusOr<std::shared_ptr<Resource>> Find(const ResourceName& name) const override;
  // Every resource that has an object, sorted.
  std::vector<ResourceName> Names() const;
  std::vector<std::shared_ptr<Resource>> All() const;
  MachineStatus Status() const;
  // The wanted state as last applied (frames and the like).
  std::shared_ptr<const Config> config() const;

 private:
  class Graph;
  std::unique_ptr<Graph> graph_;
};

// Watches a config file: parses and applies it whenever it changes (inotify on its folder, 200 ms
// debounce) or on Reload (SIGHUP). A file that does not parse is reported and leaves the machine as
// it is.
class ConfigWatcher {
 public:
  // Starts the thread "config-watch". `on_change` is called on it with each new, valid config.
  ConfigWatcher(std::string path, ConfigOptions options, std::function<void(Config)> on_change);
  ~ConfigWatcher();
  void Reload();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::machine
