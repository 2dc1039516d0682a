// SPDX-License-Identifier: Apache-2.0
//
// The resources of a machine, what each needs, and how far each is. Knows nothing of threads: one
// owner calls it, Advance never blocks, and slow work runs in BuildJobs.
//
// A node goes kCheck (its model's validate) -> kBuild (wait for dependencies, build) -> kReady; a
// failure puts it to kFailed (with the resource that it had, if that outlives failures), from where
// it starts again after the retry interval. Whatever changes what it was made from (entry, model, a
// dependency) sends it back.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/build_job.h"
#include "machine/catalog.h"
#include "machine/graph_order.h"
#include "machine/machine.h"

namespace bowerbird::machine {

// What others see of a graph at one moment. Immutable.
struct GraphView {
  struct Entry {
    std::shared_ptr<Resource> resource;  // may be null
    ResourceStatus status;
  };
  std::map<ResourceName, Entry> entries;
  // Other names of these: "remote:cam" for what is called "cam" here.
  std::map<ResourceName, ResourceName> aliases;
  // Those of other processes that are to be had, by gRPC service, then by name or other name.
  std::map<std::string, std::map<std::string, std::shared_ptr<ForeignResource>>> foreign;
  std::vector<ResourceStatus> rejected;  // entries whose name another one has
};

class Graph {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Resources = std::vector<std::shared_ptr<Resource>>;

  // `wake` may be called from any thread, also after the graph is gone: Advance has work.
  Graph(const Catalog& catalog, const Environment& environment, MachineOptions options,
        std::function<void()> wake);
  ~Graph();

  void SetConfig(const Config& config);
  void SetExternal(const std::string& source, Machine::External external);
  // Sends nodes back whose entry in the catalog is another now.
  void CheckCatalog();

  struct Progress {
    bool settled = false;  // nothing runs and nothing could: all there is to wait for is time
    TimePoint wake = TimePoint::max();
  };
  // Takes the results of finished jobs and starts what can be started.
  Progress Advance(TimePoint now);

  GraphView View() const;

  // Resources that are no longer part of the graph, to be released where that may take its time.
  Resources TakeRetired() { return std::move(retired_); }

 private:
  enum class Step { kCheck, kBuild, kReady, kFailed };
  struct Node;
  using Nodes = std::map<ResourceName, std::unique_ptr<Node>>;

  // graph_nodes.cc: the set of nodes and what each holds.
  void AddOrUpdate(const ResourceConfig& entry, const std::string& revision);
  void RemoveUnless(const std::function<bool(const Node&)>& stays);
  void PlaceExternals();
  void PlaceExternal(const ResourceName& name, const std::string& source,
                     const std::shared_ptr<Resource>& resource, const absl::Status& fault);
  void StartAgain(Node& node);
  void Replace(Node& node, std::shared_ptr<Resource> resource);
  void Withdraw(Node& node) { Replace(node, nullptr); }
  void Fail(Node& node, const absl::Status& fault, TimePoint retry_at);
  void AbandonJob(Node& node);
  void Show(Node& node);

  // graph.cc: progress.
  void TakeResults(TimePoint now, Progress& progress);
  void TakeResult(Node& node, TimePoint now);
  void TakeBuilt(Node& node, absl::StatusOr<std::shared_ptr<Resource>> built, TimePoint now);
  void Connect();
  void AdvanceNode(Node& node, TimePoint now, Progress& progress);
  void WatchJob(Node& node, TimePoint now, Progress& progress);
  bool AdvanceCheck(Node& node, TimePoint now, Progress& progress);
  void AdvanceBuild(Node& node, TimePoint now, Progress& progress);
  bool WaitsForRelease(Node& node, TimePoint now, Progress& progress);
  absl::Status WhatBlocks(const Node& node) const;
  bool DependenciesReady(Node& node);
  bool HasItsWishes(const Node& node) const;
  void StartJob(Node& node, BuildJob::Kind kind, ModelEntry entry, Progress& progress);

  const Catalog& catalog_;
  const Environment& environment_;
  const MachineOptions options_;
  const std::function<void()> wake_;

  Nodes nodes_;
  std::string file_name_;
  std::map<std::string, Machine::External> externals_;  // by source
  std::map<ResourceName, ResourceName> aliases_;        // see GraphView
  std::vector<ResourceStatus> rejected_;
  Order order_;
  bool reconnect_ = false;  // names or needs changed since Connect
  // No longer wanted and not yet ended.
  std::vector<std::unique_ptr<BuildJob>> abandoned_;
  int running_ = 0;  // jobs that are not overdue, abandoned ones included
  int overdue_ = 0;
  uint64_t last_version_ = 0;
  Resources retired_;
};

}  // namespace bowerbird::machine
