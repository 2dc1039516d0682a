// SPDX-License-Identifier: Apache-2.0
#include "machine/module/remote_manager.h"

#include <map>
#include <random>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "machine/module/remote.h"

namespace bowerbird::machine {
namespace {

std::string RandomId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 32; ++i) id += "0123456789abcdef"[random() % 16];
  return id;
}

bool IsSame(const RemoteConfig& a, const RemoteConfig& b) {
  return a.name == b.name && a.address == b.address && a.prefix == b.prefix && a.json == b.json;
}

}  // namespace

class RemoteManager::Impl {
 public:
  explicit Impl(Machine& machine) : machine_(machine) {}
  ~Impl() {
    const MutexLock lock(mutex_);
    for (const auto& entry : remotes_) entry.second->Stop();
    remotes_.clear();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Apply(const Config& config) {
    const MutexLock one_at_a_time(apply_mutex_);
    Remotes gone = TakeThoseThatGo(config);
    for (const auto& entry : gone) entry.second->Stop();
    // The resources of a changed one must have gone before its new ones come.
    gone.clear();
    const MutexLock lock(mutex_);
    for (const RemoteConfig& remote : config.remotes) {
      if (!remote.problem.ok() || remotes_.contains(remote.name)) continue;
      remotes_[remote.name] = std::make_unique<Remote>(remote, id_, machine_);
    }
    problems_.clear();
    for (const RemoteConfig& remote : config.remotes) {
      if (remote.problem.ok()) continue;
      LogError("remote", MessageOf(remote.problem));
      problems_.push_back(
          {remote.name, false, MessageOf(remote.problem), std::chrono::system_clock::now()});
    }
  }

  std::vector<RemoteStatus> Status() const {
    const MutexLock lock(mutex_);
    std::vector<RemoteStatus> all;
    for (const auto& entry : remotes_) all.push_back(entry.second->Status());
    all.insert(all.end(), problems_.begin(), problems_.end());
    return all;
  }

  std::vector<std::string> Reach() const {
    const MutexLock lock(mutex_);
    std::set<std::string> behind;
    for (const auto& entry : remotes_) {
      for (std::string& id : entry.second->Reach()) behind.insert(std::move(id));
    }
    behind.erase(id_);
    std::vector<std::string> all{id_};
    all.insert(all.end(), behind.begin(), behind.end());
    return all;
  }

 private:
  using Remotes = std::map<std::string, std::unique_ptr<Remote>>;

  // All but those that the config has as they are.
  Remotes TakeThoseThatGo(const Config& config) {
    const MutexLock lock(mutex_);
    Remotes stay;
    for (const RemoteConfig& remote : config.remotes) {
      const auto held = remotes_.find(remote.name);
      if (!remote.problem.ok() || held == remotes_.end() || !IsSame(held->second->config(), remote))
        continue;
      stay[remote.name] = std::move(held->second);
      remotes_.erase(held);
    }
    std::swap(stay, remotes_);
    return stay;
  }

  Machine& machine_;
  const std::string id_ = RandomId();
  Mutex apply_mutex_;
  mutable Mutex mutex_;
  Remotes remotes_ ABSL_GUARDED_BY(mutex_);
  std::vector<RemoteStatus> problems_ ABSL_GUARDED_BY(mutex_);  // entries that are none
};

RemoteManager::RemoteManager(Machine& machine) : impl_(std::make_unique<Impl>(machine)) {}
RemoteManager::~RemoteManager() = default;

void RemoteManager::Apply(const Config& config) { impl_->Apply(config); }
std::vector<RemoteStatus> RemoteManager::Status() const { return impl_->Status(); }
std::vector<std::string> RemoteManager::Reach() const { return impl_->Reach(); }

}  // namespace bowerbird::machine
