// SPDX-License-Identifier: Apache-2.0
//
// For tests: a machine whose resources are of a foreign API ("acme:component:widget"), built by a
// model that the test steers by attributes and counts.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "gtest/gtest.h"
#include "machine/machine.h"

namespace bowerbird::machine {

inline const Api kWidgetApi{"acme", "component", "widget"};
inline const ModelName kWidgetModel{"acme", "test", "widget"};

inline ResourceName Widget(const std::string& name) { return {kWidgetApi, name}; }

// Counts, gates and switches that widgets obey. Thread-safe.
class WidgetControl {
 public:
  void CountBuilt(const std::string& name) {
    MutexLock lock(mutex_);
    ++built_[name];
  }
  int built(const std::string& name) const {
    MutexLock lock(mutex_);
    const auto found = built_.find(name);
    return found == built_.end() ? 0 : found->second;
  }

  void Break(const std::string& name, bool broken) {
    MutexLock lock(mutex_);
    broken_[name] = broken;
  }
  bool broken(const std::string& name) const {
    MutexLock lock(mutex_);
    const auto found = broken_.find(name);
    return found != broken_.end() && found->second;
  }

  // Builds of `name` wait while it is closed, or until they are cancelled.
  void Close(const std::string& name, bool closed) {
    MutexLock lock(mutex_);
    closed_[name] = closed;
    changed_.NotifyAll();
  }
  void WaitUntilOpen(const std::string& name, const Context& context) {
    MutexLock lock(mutex_);
    ++waiting_;
    while (closed_[name] && !(context.cancelled && context.cancelled()))
      changed_.WaitFor(mutex_, std::chrono::milliseconds(5));
    --waiting_;
  }
  int waiting() const {
    MutexLock lock(mutex_);
    return waiting_;
  }

  std::atomic<int> alive = 0;

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> built_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, bool> broken_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, bool> closed_ ABSL_GUARDED_BY(mutex_);
};

// Knows nothing but how it was made.
class WidgetResource : public ForeignResource {
 public:
  WidgetResource(WidgetControl& control, std::string name, int value,
                 std::map<std::string, std::shared_ptr<Resource>> dependencies)
      : control_(control),
        name_(std::move(name)),
        value_(value),
        dependencies_(std::move(dependencies)) {
    ++control_.alive;
  }
  ~WidgetResource() override {
    value_ = -1;
    --control_.alive;
  }

  std::shared_ptr<grpc::Channel> channel() const override { return nullptr; }
  const std::string& remote_name() const override { return name_; }
  const std::string& proto_service() const override {
    static const std::string& service = *new std::string("acme.component.widget.v1.WidgetService");
    return service;
  }

  // The values of this and of all it was built with.
  absl::StatusOr<Json> DoCommand(const Context& context, const Json& command) override {
    Json answer{{"value", value_}};
    for (const auto& [name, resource] : dependencies_) {
      ASSIGN_OR_RETURN(answer[name], resource->DoCommand(context, command));
    }
    return answer;
  }

  int value() const { return value_; }
  const std::map<std::string, std::shared_ptr<Resource>>& dependencies() const {
    return dependencies_;
  }

 private:
  WidgetControl& control_;
  const std::string name_;
  int value_;
  const std::map<std::string, std::shared_ptr<Resource>> dependencies_;
};

// attributes: value, needs (list of names), invalid (validate fails).
inline ModelEntry WidgetEntry(WidgetControl& control) {
  ModelEntry entry;
  entry.api = kWidgetApi;
  entry.model = kWidgetModel;
  entry.validate = [](const ResourceConfig&,
                      const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(attributes.Int("value", 0, 0, 1000).status());
    return attributes.Strings("needs");
  };
  entry.build =
      [&control](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    const std::string& name = request.config.name.name;
    control.CountBuilt(name);
    control.WaitUntilOpen(name, request.context);
    if (control.broken(name)) return Unavailable("the widget " + name + " is broken");
    ASSIGN_OR_RETURN(const int64_t value, request.attributes.Int("value", 0, 0, 1000));
    return std::make_shared<WidgetResource>(control, name, static_cast<int>(value),
                                            request.dependencies);
  };
  return entry;
}

// One widget of a config.
struct WidgetConfig {
  std::string name;
  int value = 0;
  std::vector<std::string> needs = {};       // implied by the model
  std::vector<std::string> depends_on = {};  // written in the config
};

inline Config WidgetsConfig(const std::vector<WidgetConfig>& widgets) {
  Json components = Json::array();
  for (const auto& widget : widgets) {
    components.push_back({{"name", widget.name},
                          {"api", kWidgetApi.ToString()},
                          {"model", kWidgetModel.ToString()},
                          {"attributes", {{"value", widget.value}, {"needs", widget.needs}}},
                          {"depends_on", widget.depends_on}});
  }
  auto config = ParseConfig(Json{{"components", components}}.dump(), {"machine.json", "", nullptr});
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

class MachineTest : public testing::Test {
 protected:
  explicit MachineTest(MachineOptions options = FastOptions()) {
    catalog_.Add(WidgetEntry(control_));
    machine_ = std::make_unique<Machine>(catalog_, metrics_, "/nowhere", options);
  }

  static MachineOptions FastOptions() {
    MachineOptions options;
    options.retry_interval = std::chrono::milliseconds(20);
    options.release_timeout = std::chrono::seconds(10);
    return options;
  }

  static Context Patience() { return Context().WithTimeout(std::chrono::seconds(20)); }

  void ApplyConfig(Config config) {
    machine_->Apply(std::move(config));
    const auto status = machine_->WaitUntilApplied(Patience());
    ASSERT_TRUE(status.ok()) << status;
  }
  void Apply(const std::vector<WidgetConfig>& widgets) { ApplyConfig(WidgetsConfig(widgets)); }

  // True if `condition` came true within some seconds.
  static bool Soon(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  ResourceStatus StatusOf(const std::string& name) const {
    for (const auto& status : machine_->Status().resources) {
      if (status.name.name == name) return status;
    }
    ADD_FAILURE() << "no status of " << name;
    return {};
  }

  // "ready" or the error.
  std::string StateOf(const std::string& name) const {
    const auto status = StatusOf(name);
    return status.state == ResourceState::kReady && status.error.empty() ? "ready" : status.error;
  }

  bool Ready(const std::string& name) const { return machine_->Find(Widget(name)).ok(); }

  // What the widget answers; null if it is not there.
  Json Answer(const std::string& name) const {
    const auto found = machine_->Find(Widget(name));
    if (!found.ok()) return nullptr;
    return *(*found)->DoCommand({}, {});
  }

  WidgetControl control_;
  Metrics metrics_;
  Catalog catalog_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace bowerbird::machine
