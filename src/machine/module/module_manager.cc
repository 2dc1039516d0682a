// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_manager.h"

#include <chrono>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "machine/config_sections.h"
#include "machine/module/supervised_module.h"

namespace bowerbird::machine {
namespace {

bool IsSame(const ModuleConfig& a, const ModuleConfig& b) {
  return a.name == b.name && a.type == b.type && a.executable_path == b.executable_path &&
         a.env == b.env && a.json == b.json;
}

// How long a module has to become ready: the reference machine's variable, if it is set.
std::chrono::nanoseconds StartTime() {
  constexpr std::chrono::minutes kDefault{5};
  const char* text = std::getenv("VIAM_MODULE_STARTUP_TIMEOUT");
  if (text == nullptr) return kDefault;
  const auto time = ParseDuration(text);
  if (time.ok() && time->count() > 0) return *time;
  LogWarning("module", "VIAM_MODULE_STARTUP_TIMEOUT: " + MessageOf(time.status()));
  return kDefault;
}

}  // namespace

class ModuleManager::Impl {
 public:
  Impl(Catalog& catalog, ModuleManagerOptions options) : catalog_(catalog) {
    host_.data_dir = std::move(options.data_dir);
    host_.socket_folder = std::move(options.socket_folder);
    host_.parent_address = std::move(options.parent_address);
    host_.debug = options.debug;
    host_.start_time = StartTime();
    if (!options.part_id.empty()) {
      host_.part_id = options.part_id;
      part_.emplace_back("VIAM_MACHINE_PART_ID", options.part_id);
    }
    host_.claims = &claims_;
    host_.folders.packages = host_.data_dir + "/packages";
    host_.folders.unpacked = host_.data_dir + "/packages-local";
  }
  ~Impl() {
    const MutexLock lock(mutex_);
    for (const auto& entry : modules_) entry.second->Stop();
    modules_.clear();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Apply(const Config& config) {
    const MutexLock one_at_a_time(apply_mutex_);
    Modules gone = TakeThoseThatGo(config);
    for (const auto& entry : gone) entry.second->Stop();
    // A changed one must have gone before it comes back.
    gone.clear();
    const MutexLock lock(mutex_);
    for (const ModuleConfig& module : config.modules) {
      if (!module.problem.ok() || modules_.contains(module.name)) continue;
      modules_[module.name] =
          std::make_unique<SupervisedModule>(module, HostFor(module, config), catalog_);
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

  ModuleHost HostFor(const ModuleConfig& module, const Config& config) const {
    ModuleHost host = host_;
    host.folders.of_module = PackageFolderOf(module, config.packages, host_.folders.packages);
    host.environment = part_;
    // What they may call the hub with: the first key by name.
    const std::pair<const std::string, std::string>* first = nullptr;
    for (const AuthHandler& handler : config.auth_handlers) {
      if (handler.type != "api-key" || handler.keys.empty()) continue;
      if (first == nullptr || handler.keys.begin()->first < first->first)
        first = &*handler.keys.begin();
    }
    if (first != nullptr) {
      host.environment.emplace_back("VIAM_API_KEY_ID", first->first);
      host.environment.emplace_back("VIAM_API_KEY", first->second);
    }
    return host;
  }

  // All but those that the config has as they are.
  Modules TakeThoseThatGo(const Config& config) {
    const MutexLock lock(mutex_);
    Modules stay;
    for (const ModuleConfig& module : config.modules) {
      if (!module.problem.ok()) LogError("module", MessageOf(module.problem));
      const auto running = modules_.find(module.name);
      if (!module.problem.ok() || running == modules_.end() ||
          !IsSame(running->second->config(), module) ||
          running->second->host().folders.of_module !=
              PackageFolderOf(module, config.packages, host_.folders.packages))
        continue;
      stay[module.name] = std::move(running->second);
      modules_.erase(running);
    }
    std::swap(stay, modules_);
    return stay;
  }

  Catalog& catalog_;
  ModuleHost host_;
  Variables part_;
  Mutex apply_mutex_;
  Mutex claims_;  // before the modules
  mutable Mutex mutex_;
  Modules modules_ ABSL_GUARDED_BY(mutex_);
};

ModuleManager::ModuleManager(Catalog& catalog, ModuleManagerOptions options)
    : impl_(std::make_unique<Impl>(catalog, std::move(options))) {}

ModuleManager::~ModuleManager() = default;

void ModuleManager::Apply(const Config& config) { impl_->Apply(config); }

absl::Status ModuleManager::Restart(const std::string& name) { return impl_->Restart(name); }

std::vector<ModuleStatus> ModuleManager::Status() const { return impl_->Status(); }

}  // namespace bowerbird::machine
