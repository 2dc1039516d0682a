// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include <pthread.h>

#include "base/mutex.h"
#include "base/status.h"
#include "infer/pool_sweeper.h"
#include "machine/graph.h"
#include "machine/retirement.h"

namespace bowerbird::machine {
namespace {

// What waits for the worker. Shared: the last holder of a resource may tell of its end when the
// machine is gone already.
struct Inbox {
  Mutex mutex;
  CondVar changed;
  bool wake ABSL_GUARDED_BY(mutex) = false;
  bool stop ABSL_GUARDED_BY(mutex) = false;
  bool catalog_changed ABSL_GUARDED_BY(mutex) = false;
  std::shared_ptr<const Config> config ABSL_GUARDED_BY(mutex);  // null: the worker has it
  uint64_t config_number ABSL_GUARDED_BY(mutex) = 0;            // of the last one applied
  std::map<std::string, Machine::External> externals ABSL_GUARDED_BY(mutex);

  void Wake() {
    MutexLock lock(mutex);
    wake = true;
    changed.NotifyAll();
  }
};

struct Letters {
  bool stop = false;
  bool catalog_changed = false;
  std::shared_ptr<const Config> config;
  uint64_t config_number = 0;
  std::map<std::string, Machine::External> externals;
};

// By the numbers of ResourceState; "": none of them.
constexpr std::array<std::string_view, 6> kStateNames = {"", "unconfigured", "configuring", "ready",
                                                         "", "unhealthy"};

std::array<Metrics::Gauge*, kStateNames.size()> StateGauges(Metrics& metrics) {
  std::array<Metrics::Gauge*, kStateNames.size()> gauges{};
  for (size_t i = 0; i < gauges.size(); ++i) {
    if (kStateNames[i].empty()) continue;
    gauges[i] = &metrics.GetGauge("bowerbird_resources", "Resources of the machine, by state.",
                                  {{"state", std::string(kStateNames[i])}});
  }
  return gauges;
}

Letters WaitForLetters(Inbox& inbox, Graph::TimePoint until) {
  MutexLock lock(inbox.mutex);
  while (!inbox.wake && std::chrono::steady_clock::now() < until)
    inbox.changed.WaitUntil(inbox.mutex, until);
  inbox.wake = false;
  return {inbox.stop, std::exchange(inbox.catalog_changed, false), std::move(inbox.config),
          inbox.config_number, std::exchange(inbox.externals, {})};
}

}  // namespace

class Machine::Worker {
 public:
  Worker(const Catalog& catalog, Metrics& metrics, const ResourceFinder& finder,
         std::string data_dir, MachineOptions options)
      : environment_{&metrics, &finder, std::move(data_dir), std::make_shared<infer::PoolSweeper>(),
                     options.model_probe},
        gauges_(StateGauges(metrics)),
        view_(std::make_shared<const GraphView>()),
        config_(std::make_shared<const Config>()) {
    subscription_ = catalog.Subscribe([inbox = inbox_] {
      MutexLock lock(inbox->mutex);
      inbox->catalog_changed = inbox->wake = true;
      inbox->changed.NotifyAll();
    });
    thread_ = std::thread([this, &catalog, options] {
      pthread_setname_np(pthread_self(), "graph");
      Run(catalog, options);
    });
  }

  ~Worker() { Stop(); }

  // Ends the thread and everything that the graph holds.
  void Stop() {
    if (!thread_.joinable()) return;
    subscription_.reset();
    {
      MutexLock lock(inbox_->mutex);
      inbox_->stop = inbox_->wake = true;
      inbox_->changed.NotifyAll();
    }
    thread_.join();
  }

  void Apply(Config config) {
    auto shared = std::make_shared<const Config>(std::move(config));
    {
      MutexLock lock(mutex_);
      config_ = shared;
      config_updated_ = std::chrono::system_clock::now();
    }
    MutexLock lock(inbox_->mutex);
    inbox_->config = std::move(shared);
    ++inbox_->config_number;
    inbox_->wake = true;
    inbox_->changed.NotifyAll();
  }

  void SetExternal(const std::string& source, External external) {
    MutexLock lock(inbox_->mutex);
    inbox_->externals[source] = std::move(external);
    inbox_->wake = true;
    inbox_->changed.NotifyAll();
  }

  absl::Status WaitUntilApplied(const Context& context) {
    const uint64_t number = LastConfigNumber();
    MutexLock lock(mutex_);
    while (settled_number_ < number) {
      RETURN_IF_ERROR(context.Check());
      settled_.WaitUntil(
          mutex_, std::min(context.deadline, std::chrono::steady_clock::now() + kCancellationPoll));
    }
    return absl::OkStatus();
  }

  std::shared_ptr<const GraphView> view() const {
    MutexLock lock(mutex_);
    return view_;
  }

  std::shared_ptr<const Config> config() const {
    MutexLock lock(mutex_);
    return config_;
  }

  MachineStatus Status() const {
    MachineStatus status;
    std::shared_ptr<const GraphView> view;
    {
      MutexLock lock(mutex_);
      view = view_;
      status.revision = config_->revision;
      status.config_updated = config_updated_;
      status.running = settled_number_ > 0;
    }
    for (const auto& [name, entry] : view->entries) status.resources.push_back(entry.status);
    status.resources.insert(status.resources.end(), view->rejected.begin(), view->rejected.end());
    return status;
  }

 private:
  uint64_t LastConfigNumber() const {
    MutexLock lock(inbox_->mutex);
    return inbox_->config_number;
  }

  void Run(const Catalog& catalog, const MachineOptions& options) {
    Retirement retirement;
    Graph graph(catalog, environment_, options, [inbox = inbox_] { inbox->Wake(); });
    Graph::Progress progress;
    for (;;) {
      Letters letters = WaitForLetters(*inbox_, progress.wake);
      if (letters.stop) break;
      if (letters.config != nullptr) graph.SetConfig(*letters.config);
      for (auto& [source, external] : letters.externals)
        graph.SetExternal(source, std::move(external));
      if (letters.catalog_changed) graph.CheckCatalog();
      progress = graph.Advance(std::chrono::steady_clock::now());
      Show(graph.View(), progress.settled ? letters.config_number : 0);
      retirement.Add(graph.TakeRetired());
    }
    Show({}, 0);
  }

  void Count(const GraphView& view) {
    std::array<int, kStateNames.size()> counts{};
    for (const auto& [name, entry] : view.entries)
      ++counts[static_cast<size_t>(entry.status.state)];
    counts[static_cast<size_t>(ResourceState::kUnhealthy)] +=
        static_cast<int>(view.rejected.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      if (gauges_[i] != nullptr) gauges_[i]->Set(counts[i]);
    }
  }

  void Show(GraphView view, uint64_t settled_number) {
    Count(view);
    auto next = std::make_shared<const GraphView>(std::move(view));
    MutexLock lock(mutex_);
    // The old view may be the last to hold something: it ends after the lock does.
    next.swap(view_);
    if (settled_number > settled_number_) {
      settled_number_ = settled_number;
      settled_.NotifyAll();
    }
  }

  const Environment environment_;
  const std::array<Metrics::Gauge*, kStateNames.size()> gauges_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::unique_ptr<Catalog::Subscription> subscription_;

  mutable Mutex mutex_;
  CondVar settled_;
  // Shared with readers, who look without the lock.
  std::shared_ptr<const GraphView> view_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Config> config_ ABSL_GUARDED_BY(mutex_);
  std::chrono::system_clock::time_point config_updated_ ABSL_GUARDED_BY(mutex_);
  uint64_t settled_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;  // last: it uses all of the above
};

Machine::Machine(const Catalog& catalog, Metrics& metrics, std::string data_dir,
                 MachineOptions options)
    : worker_(std::make_unique<Worker>(catalog, metrics, *this, std::move(data_dir), options)) {}

// Builds that are under way may still look for resources: the worker must be there until they end.
Machine::~Machine() { worker_->Stop(); }

void Machine::Apply(Config config) { worker_->Apply(std::move(config)); }

void Machine::SetExternal(const std::string& source, NamedResources resources,
                          const absl::Status& fault) {
  worker_->SetExternal(source, External{std::move(resources), fault});
}

absl::Status Machine::WaitUntilApplied(const Context& context) const {
  return worker_->WaitUntilApplied(context);
}

absl::StatusOr<std::shared_ptr<Resource>> Machine::Find(const ResourceName& name) const {
  const auto view = worker_->view();
  auto found = view->entries.find(name);
  if (found == view->entries.end()) {
    const auto alias = view->aliases.find(name);
    if (alias != view->aliases.end()) found = view->entries.find(alias->second);
  }
  if (found == view->entries.end()) {
    return NotFound("no node found with api " + name.api.ToString() + " and name " + name.name);
  }
  const auto& [resource, status] = found->second;
  if (resource != nullptr) return resource;
  return Unavailable("resource " + name.ToString() + " not available; reason=" +
                     (status.error.empty() ? "it is being configured" : status.error));
}

std::vector<ResourceName> Machine::Names() const {
  std::vector<ResourceName> names;
  for (const auto& [name, entry] : worker_->view()->entries) {
    if (entry.resource != nullptr) names.push_back(name);
  }
  return names;
}

std::vector<std::shared_ptr<Resource>> Machine::All() const {
  std::vector<std::shared_ptr<Resource>> all;
  const auto view = worker_->view();
  for (const auto& [name, entry] : view->entries) {
    if (entry.resource != nullptr) all.push_back(entry.resource);
  }
  return all;
}

std::shared_ptr<ForeignResource> Machine::FindForeign(const std::string& proto_service,
                                                      const std::string& name) const {
  const auto view = worker_->view();
  const auto service = view->foreign.find(proto_service);
  if (service == view->foreign.end()) return nullptr;
  const auto found = service->second.find(name);
  return found == service->second.end() ? nullptr : found->second;
}

std::vector<std::string> Machine::ForeignServices() const {
  std::vector<std::string> services;
  for (const auto& [service, resources] : worker_->view()->foreign) services.push_back(service);
  return services;
}

bool Machine::ServesForeign(const std::string& proto_service) const {
  return worker_->view()->foreign.contains(proto_service);
}

std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> Machine::ForeignFiles() const {
  std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> all;
  for (const auto& [service, resources] : worker_->view()->foreign) {
    for (const auto& [name, resource] : resources) {
      if (auto files = resource->files(); files != nullptr) {
        all.push_back(std::move(files));
        break;
      }
    }
  }
  return all;
}

MachineStatus Machine::Status() const { return worker_->Status(); }

std::shared_ptr<const Config> Machine::config() const { return worker_->config(); }

}  // namespace bowerbird::machine
