// SPDX-License-Identifier: Apache-2.0
#include "machine/module/remote.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "machine/module/resource_client.h"

namespace bowerbird::machine {
namespace {

using std::chrono::steady_clock;

constexpr char kLogger[] = "remote";
constexpr std::chrono::seconds kLongestPause{30};
constexpr std::chrono::milliseconds kLook{200};
// Remotes of remotes of remotes: more is a loop that no machine of it has noticed.
constexpr int kMostRemotes = 3;

bool IsUsable(const ResourceName& name) {
  if (name.api.ns == "rdk-internal" || name.api.type == "remote") return false;
  // They are about that machine: its own capture, its own devices.
  if (name.api == kDataManagerApi || name.api == kDiscoveryApi) return false;
  return std::ranges::count(name.name, ':') < kMostRemotes;
}

}  // namespace

Remote::Remote(const RemoteConfig& config, std::string id, Machine& machine)
    : config_(config), id_(std::move(id)), machine_(machine) {
  {
    const MutexLock lock(mutex_);
    status_.name = config.name;
    status_.last_updated = std::chrono::system_clock::now();
  }
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "remote");
    Run();
  });
}

Remote::~Remote() {
  Stop();
  thread_.join();
  machine_.SetExternal(config_.name, {});
}

void Remote::Stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

RemoteStatus Remote::Status() const {
  const MutexLock lock(mutex_);
  return status_;
}

std::vector<std::string> Remote::Reach() const {
  const MutexLock lock(mutex_);
  return reach_;
}

Context Remote::NewContext() const {
  Context context;
  context.cancelled = [this] {
    const MutexLock lock(mutex_);
    return stopping_;
  };
  return context;
}

bool Remote::Pause(std::chrono::nanoseconds time) const {
  const auto until = steady_clock::now() + time;
  const MutexLock lock(mutex_);
  while (!stopping_ && steady_clock::now() < until) changed_.WaitUntil(mutex_, until);
  return !stopping_;
}

void Remote::Run() {
  const auto settings = ReadRemote(config_);
  if (!settings.ok()) return Lose(settings.status());
  std::chrono::nanoseconds pause = settings->reconnect_interval;
  do {
    const absl::Status why = Hold(*settings);
    if (Status().connected) pause = settings->reconnect_interval;
    Lose(why);
    if (!Pause(pause)) return;
    pause = std::min<std::chrono::nanoseconds>(
        2 * pause, std::max<std::chrono::nanoseconds>(kLongestPause, settings->reconnect_interval));
  } while (true);
}

absl::Status Remote::Hold(const RemoteSettings& settings) {
  ASSIGN_OR_RETURN(const auto connection, RemoteConnection::Open(NewContext(), settings));
  for (;;) {
    RETURN_IF_ERROR(Look(connection));
    const auto next = steady_clock::now() + settings.check_interval;
    while (connection->Stands() && steady_clock::now() < next) {
      if (!Pause(std::min<std::chrono::nanoseconds>(kLook, next - steady_clock::now())))
        return absl::CancelledError();
    }
  }
}

absl::Status Remote::Look(const std::shared_ptr<RemoteConnection>& connection) {
  ASSIGN_OR_RETURN(const RemoteInventory inventory, connection->Look(NewContext()));
  RETURN_IF_ERROR(CheckReach(inventory.reach));
  Take(connection, inventory);
  ShowConnected();
  return absl::OkStatus();
}

absl::Status Remote::CheckReach(const std::vector<std::string>& reach) {
  const MutexLock lock(mutex_);
  reach_ = reach;
  if (std::ranges::find(reach, id_) == reach.end()) return absl::OkStatus();
  return FailedPrecondition(
      "it is this machine, or has it among its own remotes: a loop; take one of them out");
}

// What has not changed stays the same object, so that nothing is built again for it.
void Remote::Take(const std::shared_ptr<RemoteConnection>& connection,
                  const RemoteInventory& inventory) {
  Resources now;
  for (const ResourceName& there : inventory.names) {
    if (!IsUsable(there)) continue;
    const ResourceName here{there.api, config_.prefix + there.name};
    const auto known = resources_.find(here);
    if (known != resources_.end() && known->second != nullptr) {
      now.insert(*known);
      continue;
    }
    const auto service = inventory.services.find(there.api);
    absl::StatusOr<std::shared_ptr<Resource>> made =
        Unimplemented("it does not say which gRPC service that API has");
    if (service != inventory.services.end()) {
      ResourceAddress address{
          .client = std::shared_ptr<const RpcClient>(connection, &connection->client()),
          .name = there,
          .proto_service = service->second,
          .description = connection->Describe(service->second),
          .life = nullptr};
      made =
          MakeResourceClient(NewContext().WithTimeout(std::chrono::seconds(5)), std::move(address));
    }
    if (made.ok()) {
      now.emplace(here, *std::move(made));
    } else if (told_.insert(there).second) {
      LogWarning(kLogger, config_.name + ": " + there.ToString() +
                              " cannot be used: " + MessageOf(made.status()));
    }
  }
  if (now == resources_) return;
  resources_ = std::move(now);
  machine_.SetExternal(config_.name, {resources_.begin(), resources_.end()});
}

void Remote::ShowConnected() {
  const MutexLock lock(mutex_);
  if (status_.connected) return;
  LogInfo(kLogger, config_.name + ": connected to " + config_.address);
  status_.connected = true;
  status_.error.clear();
  status_.last_updated = std::chrono::system_clock::now();
}

// Its resources stay known, so that who needs them is told why they are not there.
void Remote::Lose(const absl::Status& why) {
  const std::string error = "remote \"" + config_.name + "\" at " + config_.address + ": " +
                            (why.ok() ? "the connection ended" : MessageOf(why));
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    if (status_.connected || status_.error != error) LogWarning(kLogger, error);
    status_.connected = false;
    status_.error = error;
    status_.last_updated = std::chrono::system_clock::now();
  }
  for (auto& entry : resources_) entry.second = nullptr;
  machine_.SetExternal(config_.name, {resources_.begin(), resources_.end()}, Unavailable(error));
}

}  // namespace bowerbird::machine
