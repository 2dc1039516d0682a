// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "machine/graph.h"
#include "machine/graph_node.h"

namespace bowerbird::machine {
namespace {

// `resource`, telling `released` and calling `wake` when its last holder has let it go.
std::shared_ptr<Resource> Watched(std::shared_ptr<Resource> resource,
                                  std::shared_ptr<std::atomic<bool>> released,
                                  std::function<void()> wake) {
  Resource* const raw = resource.get();
  return {raw, [inner = std::move(resource), released = std::move(released),
                wake = std::move(wake)](Resource*) mutable {
            inner.reset();
            *released = true;
            wake();
          }};
}

}  // namespace

void Graph::SetConfig(const Config& config) {
  file_name_ = config.file_name;
  rejected_.clear();
  std::set<ResourceName> wanted;
  for (const auto& entry : config.resources) {
    if (entry.problem.ok() && wanted.insert(entry.name).second) AddOrUpdate(entry, config.revision);
  }
  for (const auto& entry : config.resources) {
    if (entry.problem.ok()) continue;
    if (wanted.insert(entry.name).second) {
      AddOrUpdate(entry, config.revision);
      continue;
    }
    LogWarning("machine", MessageOf(entry.problem));
    rejected_.push_back({entry.name, ResourceState::kUnhealthy, std::chrono::system_clock::now(),
                         config.revision, MessageOf(entry.problem)});
  }
  RemoveUnless([&wanted](const Node& node) {
    return !node.external_source.empty() || wanted.contains(node.config.name);
  });
  PlaceExternals();
}

void Graph::AddOrUpdate(const ResourceConfig& entry, const std::string& revision) {
  auto& slot = nodes_[entry.name];
  const bool known = slot != nullptr && slot->external_source.empty();
  if (slot == nullptr) slot = std::make_unique<Node>();
  Node& node = *slot;
  if (!node.external_source.empty()) Withdraw(node);
  if (known && node.config.SameAs(entry)) {
    node.config = entry;  // its place in the file may be another
    if (node.step == Step::kReady && node.resource->Outdated()) StartAgain(node);
    return;
  }
  node.external_source.clear();
  node.config = entry;
  node.implied.clear();
  node.shown.name = entry.name;
  node.shown.revision = revision;
  reconnect_ = true;
  StartAgain(node);
  node.fault = absl::OkStatus();
  node.blocked = false;
  if (!entry.problem.ok()) Fail(node, entry.problem, TimePoint::max());
}

void Graph::RemoveUnless(const std::function<bool(const Node&)>& stays) {
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    Node& node = *it->second;
    if (stays(node)) {
      ++it;
      continue;
    }
    Withdraw(node);
    AbandonJob(node);
    LogInfo("machine", "removed " + it->first.ToString());
    it = nodes_.erase(it);
    reconnect_ = true;
  }
}

void Graph::SetExternal(const std::string& source, Machine::External external) {
  if (external.fault.ok())
    std::erase_if(external.resources, [](const auto& entry) { return entry.second == nullptr; });
  if (external.resources.empty()) {
    externals_.erase(source);
  } else {
    externals_[source] = std::move(external);
  }
  PlaceExternals();
}

void Graph::PlaceExternals() {
  struct Offer {
    std::string source;
    std::shared_ptr<Resource> resource;
    absl::Status fault;
  };
  std::map<ResourceName, Offer> offered;
  std::map<ResourceName, ResourceName> aliases;
  for (const auto& [source, external] : externals_) {
    for (const auto& [name, resource] : external.resources) {
      const ResourceName qualified{name.api, source + ":" + name.name};
      const auto found = nodes_.find(name);
      const bool taken = (found != nodes_.end() && found->second->external_source.empty()) ||
                         offered.contains(name);
      // Its own name is somebody else's: it keeps the long one.
      offered.try_emplace(taken ? qualified : name, Offer{source, resource, external.fault});
      if (!taken) aliases.try_emplace(qualified, name);
    }
  }
  if (aliases != aliases_) {
    aliases_ = std::move(aliases);
    reconnect_ = true;
  }
  RemoveUnless([&offered](const Node& node) {
    return node.external_source.empty() || offered.contains(node.config.name);
  });
  for (const auto& [name, offer] : offered)
    PlaceExternal(name, offer.source, offer.resource, offer.fault);
}

void Graph::PlaceExternal(const ResourceName& name, const std::string& source,
                          const std::shared_ptr<Resource>& resource, const absl::Status& fault) {
  auto& slot = nodes_[name];
  if (slot == nullptr) {
    slot = std::make_unique<Node>();
    reconnect_ = true;
  }
  slot->external_source = source;
  slot->config.name = name;
  slot->shown.name = name;
  slot->step = fault.ok() ? Step::kReady : Step::kFailed;
  slot->fault = fault;
  const std::shared_ptr<Resource> wanted = fault.ok() ? resource : nullptr;
  if (slot->resource != wanted) Replace(*slot, wanted);
}

void Graph::CheckCatalog() {
  for (const auto& [name, node] : nodes_) {
    if (!node->external_source.empty() || !node->config.problem.ok()) continue;
    if (catalog_.Generation(name.api, node->config.model) != node->generation) StartAgain(*node);
  }
}

void Graph::StartAgain(Node& node) {
  node.step = Step::kCheck;
  node.retry_at = TimePoint::max();
  if (node.job != nullptr) node.job->Cancel();
}

void Graph::AbandonJob(Node& node) {
  if (node.job == nullptr) return;
  node.job->Cancel();
  abandoned_.push_back(std::move(node.job));
  node.overdue = false;
}

void Graph::Replace(Node& node, std::shared_ptr<Resource> resource) {
  if (node.resource == nullptr && resource == nullptr) return;
  if (node.resource != nullptr) {
    retired_.push_back(std::move(node.resource));
    node.release_limit = std::chrono::steady_clock::now() + options_.release_timeout;
  }
  node.resource = std::move(resource);
  if (node.resource != nullptr && node.exclusive) {
    node.released = std::make_shared<std::atomic<bool>>(false);
    node.resource = Watched(std::move(node.resource), node.released, wake_);
  }
  node.version = ++last_version_;
}

void Graph::Fail(Node& node, const absl::Status& fault, TimePoint retry_at) {
  node.step = Step::kFailed;
  node.blocked = false;
  node.retry_at = retry_at;
  // Faults of the config are told with its file; config entries say so already.
  const bool of_config = ToStd(fault.message()).starts_with(node.config.path);
  node.fault = of_config && !file_name_.empty() ? Annotate(fault, file_name_) : fault;
  if (!node.outlives_failure()) return Withdraw(node);
  node.fault = absl::Status(
      node.fault.code(), ToAbsl(MessageOf(node.fault) + "; the version before it keeps serving"));
}

void Graph::Show(Node& node) {
  ResourceState state = ResourceState::kUnconfigured;
  const bool keeps_the_old = node.outlives_failure() && node.step != Step::kReady;
  if (!node.fault.ok() && (keeps_the_old || node.resource == nullptr)) {
    state = ResourceState::kUnhealthy;
  } else if (node.resource != nullptr) {
    state = node.step == Step::kReady ? ResourceState::kReady : ResourceState::kConfiguring;
  } else if (node.job != nullptr) {
    state = ResourceState::kConfiguring;
  }
  const std::string error = MessageOf(node.fault);
  ResourceStatus& shown = node.shown;
  if (error != shown.error && !error.empty())
    LogWarning("machine", shown.name.ToString() + ": " + error);
  if (state != shown.state && state == ResourceState::kReady)
    LogInfo("machine", shown.name.ToString() + " is ready");
  if (state != shown.state || error != shown.error ||
      shown.last_updated == std::chrono::system_clock::time_point())
    shown.last_updated = std::chrono::system_clock::now();
  shown.state = state;
  shown.error = error;
}

GraphView Graph::View() const {
  GraphView view;
  for (const auto& [name, node] : nodes_) view.entries[name] = {node->resource, node->shown};
  view.rejected = rejected_;
  view.aliases = aliases_;
  const auto add = [&view](const std::string& name, const std::shared_ptr<Resource>& resource) {
    auto foreign = std::dynamic_pointer_cast<ForeignResource>(resource);
    if (foreign == nullptr) return;
    auto& named = view.foreign[foreign->proto_service()];
    named.try_emplace(name, std::move(foreign));
  };
  for (const auto& [name, node] : nodes_) add(name.name, node->resource);
  for (const auto& [alias, name] : aliases_) {
    const auto node = nodes_.find(name);
    if (node != nodes_.end()) add(alias.name, node->second->resource);
  }
  return view;
}

}  // namespace bowerbird::machine
