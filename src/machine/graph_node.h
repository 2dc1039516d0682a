// SPDX-License-Identifier: Apache-2.0
//
// One resource of a graph. Private to graph.cc and graph_nodes.cc.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/graph.h"

namespace bowerbird::machine {

struct Graph::Node {
  ResourceConfig config;
  std::string external_source;  // not from the config if not empty

  Step step = Step::kCheck;
  // Why it is not ready: the last failure (kept while it is tried again), or what it waits for.
  absl::Status fault;
  bool blocked = false;  // `fault` says what it waits for; goes when that is there
  TimePoint retry_at = TimePoint::max();

  std::vector<std::string> implied;             // what its model says it needs
  std::map<std::string, ResourceName> needs;    // as asked for -> resolved
  std::map<std::string, ResourceName> wishes;   // optional ones likewise; never waited for
  absl::Status unresolved;                      // why some are not in `needs`
  std::map<ResourceName, uint64_t> built_with;  // version of each dependency

  std::shared_ptr<Resource> resource;
  uint64_t version = 0;     // differs for any two resources, none included
  uint64_t generation = 0;  // of the catalog's entry, 0: none
  bool exclusive = false;
  // Exclusive models: true once the latest resource is destroyed. Set by its last holder.
  std::shared_ptr<std::atomic<bool>> released;
  TimePoint release_limit = TimePoint::max();

  std::unique_ptr<BuildJob> job;
  bool overdue = false;  // the job; told once

  ResourceStatus shown;

  bool failing() const { return !fault.ok() && resource == nullptr; }
  bool outlives_failure() const { return resource != nullptr && resource->OutlivesFailure(); }
  // Whether others may be built on what is there now.
  bool settled() const {
    return step == Step::kReady || (step == Step::kFailed && resource != nullptr);
  }
};

}  // namespace bowerbird::machine
