// SPDX-License-Identifier: Apache-2.0
#include "serve/machine_router.h"

#include "base/status.h"
#include "machine/resource.h"

namespace bowerbird::serve {

bool MachineRouter::Knows(const std::string& service) const {
  return machine_.ServesForeign(service);
}

std::vector<std::string> MachineRouter::Services() const { return machine_.ForeignServices(); }

std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> MachineRouter::Files() const {
  return machine_.ForeignFiles();
}

absl::StatusOr<ForeignTarget> MachineRouter::Route(const std::string& service,
                                                   const std::string& method,
                                                   const std::string& resource) const {
  const auto found = machine_.FindForeign(service, resource);
  if (found == nullptr) return NotFound("no resource named \"" + resource + "\" serves " + service);
  return ForeignTarget{found->channel(), found->remote_name(), found->IsUnary(method)};
}

}  // namespace bowerbird::serve
