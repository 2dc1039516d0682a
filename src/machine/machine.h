// SPDX-License-Identifier: Apache-2.0
//
// The machine: a config turned into a graph of live resources, kept so while the config changes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
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
  std::vector<ResourceStatus> resources;  // sorted by name; config entries that are none come last
  std::string revision;
  std::chrono::system_clock::time_point config_updated;
  bool running = false;  // false until the first config has been gone through once
};

struct MachineOptions {
  std::chrono::nanoseconds retry_interval = std::chrono::seconds(5);
  // A build that takes longer is shown as a fault and no longer counts against `max_builds`; its
  // result is still taken when it comes.
  std::chrono::nanoseconds build_timeout = std::chrono::minutes(2);
  // How long an exclusive model (see ModelEntry) waits for calls on the previous resource to end.
  std::chrono::nanoseconds release_timeout = std::chrono::seconds(30);
  int max_builds = 4;  // at a time
  // Of model files, before they are loaded; outlives the machine. null: every file is trusted.
  const infer::ModelProbe* model_probe = nullptr;
};

// Thread-safe. Find never waits for a build.
//
// A resource whose entry changes stays in use until its replacement is ready, then calls in flight
// keep the old one until they end. Where the replacement fails, the old one goes too: what runs is
// what the config says. Models are the exception (Resource::OutlivesFailure): a version that cannot
// be loaded leaves the one before it serving, and the status says why. A resource is there only
// while all of its dependencies are.
class Machine : public ResourceFinder {
 public:
  // Starts the worker thread "graph", which builds, retries and removes.
  Machine(const Catalog& catalog, Metrics& metrics, std::string data_dir,
          MachineOptions options = {});
  ~Machine() override;

  // Makes `config` the wanted state; returns at once. The worker rebuilds what changed (or is made
  // from a file that did: Resource::Outdated) and what depends on it; calls in flight keep the old
  // resources until they end.
  void Apply(Config config);

  // Resources that do not come from the config: those of a remote machine. Replaces the set that
  // `source` gave before. Each can be found as SOURCE:NAME, and as NAME unless the config has that,
  // or an earlier source. With a fault they are known but not to be had, and what depends on them
  // neither. Returns at once.
  using NamedResources = std::vector<std::pair<ResourceName, std::shared_ptr<Resource>>>;
  struct External {
    NamedResources resources;
    absl::Status fault;
  };
  void SetExternal(const std::string& source, NamedResources resources,
                   const absl::Status& fault = absl::OkStatus());

  // Waits until the last applied config has been gone through, or the context ends.
  absl::Status WaitUntilApplied(const Context& context) const;

  absl::StatusOr<std::shared_ptr<Resource>> Find(const ResourceName& name) const override;
  // Every resource that has an object, sorted by name.
  std::vector<ResourceName> Names() const;
  std::vector<std::shared_ptr<Resource>> All() const;
  // The resource of another process that serves `proto_service` under `name`; null: none that is to
  // be had. Quick: every forwarded call asks.
  std::shared_ptr<ForeignResource> FindForeign(const std::string& proto_service,
                                               const std::string& name) const;
  // The services of all such resources, sorted.
  std::vector<std::string> ForeignServices() const;
  bool ServesForeign(const std::string& proto_service) const;
  // What describes them, of one resource for each service; without those that do not tell.
  std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> ForeignFiles() const;
  MachineStatus Status() const;
  // The wanted state as last applied (frames and the like).
  std::shared_ptr<const Config> config() const;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

// Watches a config file: parses it whenever its bytes change (inotify on its folder, so that
// editors that replace files are seen; 200 ms without a further change) or on Reload (SIGHUP). A
// file that does not parse is reported in the log and leaves the machine as it is.
class ConfigWatcher {
 public:
  // Starts the thread "config-watch". `on_change` is called on it with each new, valid config;
  // its warnings are the receiver's to tell. The file is read once at the start, so that no change
  // between the program's own reading and this is lost: `known` is the text_hash of that reading,
  // 0 delivers the first config in any case.
  ConfigWatcher(std::string path, ConfigOptions options, std::function<void(Config)> on_change,
                uint64_t known = 0);
  ~ConfigWatcher();

  // Reads the file again even if its bytes are the same: variables may have changed. Returns at
  // once; may be called from any thread.
  void Reload();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::machine
