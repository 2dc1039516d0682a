// SPDX-License-Identifier: Apache-2.0
//
// One connection to a remote machine: what the entry of the config says about it, the channel with
// its credentials, and what the machine there has. Private to this folder.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "base/mutex.h"
#include "machine/config.h"
#include "machine/module/rpc_client.h"
#include "machine/module/service_description.h"
#include "machine/name.h"

namespace bowerbird::machine {

struct RemoteSettings {
  std::string target;  // host:port, or unix:/PATH
  bool tls = true;
  std::string tls_ca;                // a PEM file; "" = the authorities that the system trusts
  std::string entity, kind, secret;  // what it authenticates with; kind "" = nothing
  std::chrono::nanoseconds check_interval = std::chrono::seconds(10);
  std::chrono::nanoseconds reconnect_interval = std::chrono::seconds(1);
};

// INVALID_ARGUMENT names the key that is wrong.
absl::StatusOr<RemoteSettings> ReadRemote(const RemoteConfig& remote);

// What a remote machine has.
struct RemoteInventory {
  std::vector<ResourceName> names;      // as they are called there
  std::map<Api, std::string> services;  // the gRPC services of APIs
  std::vector<std::string> reach;       // see RemoteManager::Reach; empty: it does not tell
};

// Thread-safe. Resources share it.
class RemoteConnection {
 public:
  // Connects and authenticates. UNAVAILABLE, UNAUTHENTICATED, INVALID_ARGUMENT, in words for the
  // status of the remote.
  static absl::StatusOr<std::shared_ptr<RemoteConnection>> Open(const Context& context,
                                                                const RemoteSettings& settings);

  const RpcClient& client() const { return client_; }
  absl::StatusOr<RemoteInventory> Look(const Context& context) const;
  // False as soon as the other end has gone.
  bool Stands() const;
  // May be null; asked for once.
  std::shared_ptr<const ServiceDescription> Describe(const std::string& service) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit RemoteConnection(std::shared_ptr<grpc::Channel> channel) : client_(std::move(channel)) {}
  const RpcClient client_;
  mutable Mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const ServiceDescription>> descriptions_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::machine
