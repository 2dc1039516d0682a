// SPDX-License-Identifier: Apache-2.0
#include "machine/graph.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "machine/graph_node.h"

namespace bowerbird::machine {
namespace {

// Threads that hang; more are a fault that a restart must cure.
constexpr int kMaxOverdue = 32;

std::string CycleText(const std::vector<ResourceName>& way) {
  if (way.size() == 2) return "depends on itself: take it out of its own dependencies";
  std::string text;
  for (const auto& name : way) text += (text.empty() ? "" : " -> ") + name.ToString();
  return "the dependencies form a cycle: " + text;
}

}  // namespace

Graph::Graph(const Catalog& catalog, const Environment& environment, MachineOptions options,
             std::function<void()> wake)
    : catalog_(catalog), environment_(environment), options_(options), wake_(std::move(wake)) {}

Graph::~Graph() {
  // All at once first: each destructor waits for its job.
  for (const auto& [name, node] : nodes_) {
    if (node->job != nullptr) node->job->Cancel();
  }
  for (const auto& job : abandoned_) job->Cancel();
}

Graph::Progress Graph::Advance(TimePoint now) {
  Progress progress;
  progress.settled = true;
  TakeResults(now, progress);
  if (std::exchange(reconnect_, false)) Connect();
  for (const auto& name : order_.sorted) AdvanceNode(*nodes_.at(name), now, progress);
  for (const auto& [name, way] : order_.cycles) AdvanceNode(*nodes_.at(name), now, progress);
  for (const auto& name : order_.behind_cycles) AdvanceNode(*nodes_.at(name), now, progress);
  for (const auto& [name, node] : nodes_) Show(*node);
  if (reconnect_) {
    progress.settled = false;
    progress.wake = now;
  }
  return progress;
}

void Graph::TakeResults(TimePoint now, Progress& progress) {
  std::erase_if(abandoned_, [this](const std::unique_ptr<BuildJob>& job) {
    if (!job->done()) return false;
    if (auto built = job->TakeResource(); built.ok() && *built != nullptr)
      retired_.push_back(*std::move(built));
    return true;
  });
  running_ = 0;
  overdue_ = 0;
  const auto count = [&](const BuildJob& job) {
    const bool late = now >= job.deadline();
    ++(late ? overdue_ : running_);
    if (!late) progress.wake = std::min(progress.wake, job.deadline());
  };
  for (const auto& job : abandoned_) count(*job);
  for (const auto& [name, node] : nodes_) {
    if (node->job == nullptr) continue;
    if (node->job->done()) {
      TakeResult(*node, now);
    } else {
      count(*node->job);
    }
  }
}

void Graph::TakeResult(Node& node, TimePoint now) {
  const std::unique_ptr<BuildJob> job = std::move(node.job);
  node.overdue = false;
  auto built = job->TakeResource();
  if (job->cancelled()) {
    if (built.ok() && *built != nullptr) retired_.push_back(*std::move(built));
    return;
  }
  if (job->kind() == BuildJob::Kind::kBuild) return TakeBuilt(node, std::move(built), now);
  if (!job->needs().ok()) return Fail(node, job->needs().status(), now + options_.retry_interval);
  if (node.implied != *job->needs()) {
    node.implied = *job->needs();
    reconnect_ = true;
  }
  node.step = Step::kBuild;
}

void Graph::TakeBuilt(Node& node, absl::StatusOr<std::shared_ptr<Resource>> built, TimePoint now) {
  if (!built.ok()) return Fail(node, built.status(), now + options_.retry_interval);
  node.step = Step::kReady;
  node.fault = absl::OkStatus();
  node.blocked = false;
  Replace(node, *std::move(built));
}

void Graph::Connect() {
  std::vector<ResourceName> names;
  for (const auto& [name, node] : nodes_) names.push_back(name);
  NameIndex index(names);
  for (const auto& [alias, name] : aliases_) {
    index.AddAlias(alias.name, name);
    index.AddAlias(alias.ToString(), name);
  }
  Edges edges;
  for (const auto& [name, node] : nodes_) {
    auto& needs = edges[name];
    node->needs.clear();
    node->wishes.clear();
    node->unresolved = absl::OkStatus();
    std::string missing;
    const auto resolve = [&, &node = *node](const std::string& text) {
      if (node.needs.contains(text)) return;
      auto resolved = index.Resolve(text);
      if (resolved.ok()) {
        node.needs[text] = *resolved;
        needs.push_back(*std::move(resolved));
      } else if (absl::IsNotFound(resolved.status())) {
        missing += (missing.empty() ? "" : ", ") + text;
      } else {
        node.unresolved = resolved.status();
      }
    };
    for (const auto& text : node->config.depends_on) resolve(text);
    for (const auto& text : node->implied) {
      if (!text.ends_with(kOptionalMark)) {
        resolve(text);
        continue;
      }
      const std::string wish = text.substr(0, text.size() - 1);
      auto resolved = index.Resolve(wish);
      if (resolved.ok()) node->wishes[wish] = *std::move(resolved);
    }
    if (!missing.empty()) {
      node->unresolved = FailedPrecondition(
          "resource has unresolved dependencies not found in machine config or connected "
          "remotes: " +
          missing);
    }
  }
  // Two that wish for each other would be built again and again: the first one by name gets its
  // wish.
  for (const auto& [name, node] : nodes_) {
    std::erase_if(node->wishes, [&edges, &name = name](const auto& wish) {
      if (Reaches(edges, wish.second, name)) return true;
      edges[name].push_back(wish.second);
      return false;
    });
  }
  order_ = OrderByNeed(edges);
}

void Graph::AdvanceNode(Node& node, TimePoint now, Progress& progress) {
  if (!node.external_source.empty()) return;
  if (node.job != nullptr) return WatchJob(node, now, progress);
  if (node.step == Step::kFailed) {
    if (now < node.retry_at) {
      progress.wake = std::min(progress.wake, node.retry_at);
      return;
    }
    StartAgain(node);
  }
  if (node.step == Step::kCheck && !AdvanceCheck(node, now, progress)) return;
  AdvanceBuild(node, now, progress);
}

void Graph::WatchJob(Node& node, TimePoint now, Progress& progress) {
  if (now < node.job->deadline()) {
    progress.settled = false;
    return;
  }
  if (node.job->cancelled()) {
    // It hangs, and its result is not wanted any more: go on without it.
    AbandonJob(node);
    progress.settled = false;
    progress.wake = now;
    return;
  }
  if (std::exchange(node.overdue, true)) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.build_timeout);
  node.fault = absl::DeadlineExceededError(ToAbsl("has been building for more than " +
                                                  std::to_string(seconds.count()) +
                                                  " s; the others go on without it"));
}

// True when the node may go on to be built.
bool Graph::AdvanceCheck(Node& node, TimePoint now, Progress& progress) {
  auto entry = catalog_.Find(node.config.name.api, node.config.model);
  node.generation = entry.ok() ? entry->generation : 0;
  if (!entry.ok()) {
    Fail(node, entry.status(), now + options_.retry_interval);
    return false;
  }
  node.exclusive = entry->exclusive;
  if (entry->validate) {
    StartJob(node, BuildJob::Kind::kCheck, *std::move(entry), progress);
    return false;
  }
  if (!node.implied.empty()) reconnect_ = true;
  node.implied.clear();
  node.step = Step::kBuild;
  return true;
}

void Graph::AdvanceBuild(Node& node, TimePoint now, Progress& progress) {
  if (auto blocked = WhatBlocks(node); !blocked.ok()) {
    node.fault = std::move(blocked);
    node.blocked = true;
    node.step = Step::kBuild;
    Withdraw(node);
    return;
  }
  if (std::exchange(node.blocked, false)) node.fault = absl::OkStatus();
  if (!DependenciesReady(node) || node.step == Step::kReady) return;
  auto entry = catalog_.Find(node.config.name.api, node.config.model);
  if (!entry.ok() || entry->generation != node.generation) {
    StartAgain(node);
    progress.settled = false;
    progress.wake = now;
    return;
  }
  if (node.exclusive && WaitsForRelease(node, now, progress)) return;
  StartJob(node, BuildJob::Kind::kBuild, *std::move(entry), progress);
}

bool Graph::WaitsForRelease(Node& node, TimePoint now, Progress& progress) {
  Withdraw(node);
  if (node.released == nullptr || *node.released) return false;
  if (now >= node.release_limit) {
    LogWarning("machine", node.config.name.ToString() +
                              ": calls on its previous state have not ended; building it anyway");
    return false;
  }
  progress.settled = false;
  progress.wake = std::min(progress.wake, node.release_limit);
  return true;
}

absl::Status Graph::WhatBlocks(const Node& node) const {
  if (!node.unresolved.ok()) return node.unresolved;
  if (const auto way = order_.cycles.find(node.config.name); way != order_.cycles.end())
    return FailedPrecondition(CycleText(way->second));
  for (const auto& [text, name] : node.needs) {
    const Node& need = *nodes_.at(name);
    if (!need.failing()) continue;
    std::string message = "dependency " + name.ToString() + " is not ready yet";
    if (!need.blocked) message += " (" + MessageOf(need.fault) + ")";
    return Unavailable(message);
  }
  return absl::OkStatus();
}

// Also notes whether what the node was built with is still there.
bool Graph::DependenciesReady(Node& node) {
  bool ready = true;
  for (const auto& [text, name] : node.needs) {
    const Node& need = *nodes_.at(name);
    if (need.resource == nullptr) {
      node.step = Step::kBuild;
      Withdraw(node);
    }
    if (!need.settled()) {
      ready = false;
    } else if (node.step == Step::kReady && node.built_with[name] != need.version) {
      node.step = Step::kBuild;
    }
  }
  // What is optional is not waited for, but what has come, changed or gone since is a reason to
  // build again.
  if (node.step == Step::kReady && !HasItsWishes(node)) node.step = Step::kBuild;
  return ready;
}

bool Graph::HasItsWishes(const Node& node) const {
  std::set<ResourceName> known;
  for (const auto& [text, name] : node.needs) known.insert(name);
  for (const auto& [text, name] : node.wishes) {
    known.insert(name);
    const Node& wish = *nodes_.at(name);
    const auto built = node.built_with.find(name);
    const bool had = built != node.built_with.end();
    const bool usable = wish.resource != nullptr && wish.settled();
    if (usable ? !had || built->second != wish.version : had && wish.resource == nullptr)
      return false;
  }
  return std::ranges::all_of(node.built_with,
                             [&](const auto& entry) { return known.contains(entry.first); });
}

void Graph::StartJob(Node& node, BuildJob::Kind kind, ModelEntry entry, Progress& progress) {
  if (overdue_ >= kMaxOverdue) return;
  progress.settled = false;
  if (running_ >= options_.max_builds) return;  // the end of one of them wakes the owner
  ++running_;
  BuildJob::Input input;
  input.kind = kind;
  input.entry = std::move(entry);
  input.config = node.config;
  input.environment = &environment_;
  input.timeout = options_.build_timeout;
  node.overdue = false;
  if (kind == BuildJob::Kind::kBuild) {
    node.built_with.clear();
    const auto use = [&](const std::string& text, const ResourceName& name) {
      const Node& need = *nodes_.at(name);
      input.dependencies[text] = need.resource;
      node.built_with[name] = need.version;
      if (std::ranges::find(input.dependency_names, name.ToString()) ==
          input.dependency_names.end())
        input.dependency_names.push_back(name.ToString());
    };
    for (const auto& [text, name] : node.needs) use(text, name);
    for (const auto& [text, name] : node.wishes) {
      const Node& wish = *nodes_.at(name);
      if (wish.resource != nullptr && wish.settled()) use(text, name);
    }
  }
  node.job = std::make_unique<BuildJob>(std::move(input), wake_);
  progress.wake = std::min(progress.wake, node.job->deadline());
}

}  // namespace bowerbird::machine
