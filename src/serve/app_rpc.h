// SPDX-License-Identifier: Apache-2.0
//
// viam.app.v1.AppService: organizations, locations, machines, parts and keys, as far as clients of
// the data API call them. Who may do what: fleet/fleet.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/v1/app.pb.h"
#include "fleet/fleet.h"
#include "serve/api_keys.h"
#include "serve/auth.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

// All of them outlive the service.
struct AppRpcOptions {
  fleet::Fleet& fleet;
  const Authenticator& authenticator;
  std::string data_dir;  // of the keys
  // The config of the local machine as it is written, "" where this process serves none. Only for
  // owners: it may hold keys.
  std::function<std::string()> local_config{};
};

class AppRpc : public RpcService {
 public:
  AppRpc(Admission& admission, AppRpcOptions options);

 private:
  // Each registers the calls of one concern.
  void AddOrganizations();
  void AddLocations();
  void AddRobots();
  void AddRobotLists();
  void AddParts();
  void AddKeys();
  void AddKeyChanges();

  fleet::Fleet& fleet() const { return options_.fleet; }
  absl::StatusOr<fleet::Principal> PrincipalOf(const Call& call) const {
    return options_.authenticator.PrincipalOf(call.owner());
  }
  // INVALID_ARGUMENT without an id; else as Fleet::Check.
  absl::Status Check(const Call& call, fleet::ResourceKind kind, const std::string& id,
                     fleet::Role role) const;
  absl::Status CheckSees(const Call& call, fleet::ResourceKind kind, const std::string& id) const;

  absl::StatusOr<viam::app::v1::Location> LocationMessage(const fleet::Location& location) const;
  viam::app::v1::Robot RobotMessage(const fleet::Robot& robot) const;
  viam::app::v1::RobotPart PartMessage(const fleet::Part& part) const;
  // Those of the location that the principal may see.
  absl::Status AddRobotsOf(const fleet::Principal& principal, const std::string& location_id,
                           google::protobuf::RepeatedPtrField<viam::app::v1::Robot>& out) const;

  // NOT_FOUND: the caller may know of no such key; PERMISSION_DENIED: it may not change it.
  absl::Status CheckKey(const fleet::Principal& principal, const std::string& id) const;
  absl::StatusOr<viam::app::v1::APIKeyWithAuthorizations> KeyMessage(const ApiKey& key) const;
  bool IsLocal(const std::string& robot_id) const;

  const AppRpcOptions options_;
  mutable ApiKeyFile keys_;
};

}  // namespace bowerbird::serve
