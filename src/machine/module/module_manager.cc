// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_manager.h"

#include <map>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "machine/module/supervised_module.h"

namespace bowerbird::machine {
namespace {

bool IsSame(const ModuleConfig& a, const ModuleConfig& b) {
  return a.name == b.name && a.type == b.type && a.executable_path == b.executable_path &&
         a.env == b.env && a.json == b.json;
}

}  // namespace

class ModuleManager::Impl {
 public:
  Impl(Catalog& catalog, ModuleManagerOptions options) : catalog_(catalog) {
    host_.data_dir = std::move(options.data_dir);
    host_.socket_folder = std::move(options.socket_folder);
    host_.parent_address = std::move(options.parent_address);
    host_.debug = options.debug;
  }
  ~Impl() {
    const MutexLock lock(mutex_);
    for (const auto& entry : modules_) entry.second->Stop();
    modules_.clear();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Apply(const std::vector<ModuleConfig>& modules) {
    const MutexLock one_at_a_time(apply_mutex_);
    Modules gone = TakeThoseThatGo(modules);
    for (const auto& entry : gone) entry.second->Stop();
    // A changed one must have gone before it comes back.
    gone.clear();
    const MutexLock lock(mutex_);
    for (const ModuleConfig& module : modules) {
      if (!module.problem.ok() || modules_.contains(module.name)) continue;
      modules_[module.name] = std::make_unique<SupervisedModule>(module, host_, catalog_);
    }
  }

  absl::Status Restart(const std::string& name) {
    const MutexLock lock(mutex_);
    const auto found = modules_.find(name);
    if (found == modules_.end()) return NotFound("no module named \"" + name + "\"");
    found->second->Restart();
    return absl::OkStatus();
  }

  std::vector<ModuleStatus> Status() const {
    const MutexLock lock(mutex_);
    std::vector<ModuleStatus> all;
    for (const auto& entry : modules_) all.push_back(entry.second->Status());
    return all;
  }

 private:
  using Modules = std::map<std::string, std::unique_ptr<SupervisedModule>>;

  // All but those that `modules` has as they are.
  Modules TakeThoseThatGo(const std::vector<ModuleConfig>& modules) {
    const MutexLock lock(mutex_);
    Modules stay;
    for (const ModuleConfig& module : modules) {
      if (!module.problem.ok()) LogError("module", MessageOf(module.problem));
      const auto running = modules_.find(module.name);
      if (!module.problem.ok() || running == modules_.end() ||
          !IsSame(running->second->config(), module))
        continue;
      stay[module.name] = std::move(running->second);
      modules_.erase(running);
    }
    std::swap(stay, modules_);
    return stay;
  }

  Catalog& catalog_;
  ModuleHost host_;
  Mutex apply_mutex_;
  mutable Mutex mutex_;
  Modules modules_ ABSL_GUARDED_BY(mutex_);
};

ModuleManager::ModuleManager(Catalog& catalog, ModuleManagerOptions options)
    : impl_(std::make_unique<Impl>(catalog, std::move(options))) {}

ModuleManager::~ModuleManager() = default;

void ModuleManager::Apply(const std::vector<ModuleConfig>& modules) { impl_->Apply(modules); }

absl::Status ModuleManager::Restart(const std::string& name) { return impl_->Restart(name); }

std::vector<ModuleStatus> ModuleManager::Status() const { return impl_->Status(); }

}  // namespace bowerbird::machine
