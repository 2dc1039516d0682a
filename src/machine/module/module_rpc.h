// SPDX-License-Identifier: Apache-2.0
//
// What a machine asks a module: viam.module.v1.ModuleService. Private to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "machine/config.h"
#include "machine/module/rpc_client.h"
#include "machine/module/service_description.h"
#include "machine/name.h"

namespace bowerbird::machine {

// One API that a module serves, and its models of that.
struct ModuleHandler {
  Api api;
  std::string proto_service;  // "acme.component.gizmo.v1.GizmoService"
  std::vector<ModelName> models;
  std::shared_ptr<const ServiceDescription> description;  // null: known here, or not told
};

// Thread-safe.
class ModuleRpc {
 public:
  explicit ModuleRpc(const RpcClient& client) : client_(client) {}

  // Asks until the module says that it is ready, or the context ends. `parent`: where it reaches
  // this machine. Handlers that make no sense are left out, and told in `faults`.
  absl::StatusOr<std::vector<ModuleHandler>> AwaitReady(const Context& context,
                                                        const std::string& parent,
                                                        std::vector<std::string>& faults) const;
  // The names, bare or full, of what the resource needs and of what it can use. A module that does
  // not check anything needs nothing.
  absl::StatusOr<std::vector<std::string>> Validate(const Context& context,
                                                    const ResourceConfig& config) const;
  absl::Status Add(const Context& context, const ResourceConfig& config,
                   const std::vector<std::string>& dependencies) const;
  absl::Status Remove(const Context& context, const ResourceName& name) const;

 private:
  const RpcClient& client_;
};

}  // namespace bowerbird::machine
