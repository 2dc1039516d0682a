// SPDX-License-Identifier: Apache-2.0
#include "serve/machine_router.h"

#include <memory>
#include <set>

#include "base/status.h"
#include "machine/resource.h"

namespace bowerbird::serve {
namespace {

std::shared_ptr<machine::ForeignResource> AsForeign(
    const std::shared_ptr<machine::Resource>& resource, const std::string& service) {
  auto foreign = std::dynamic_pointer_cast<machine::ForeignResource>(resource);
  return foreign != nullptr && foreign->proto_service() == service ? foreign : nullptr;
}

}  // namespace

bool MachineRouter::Knows(const std::string& service) const {
  for (const auto& resource : machine_.All()) {
    if (AsForeign(resource, service) != nullptr) return true;
  }
  return false;
}

std::vector<std::string> MachineRouter::Services() const {
  std::set<std::string> services;
  for (const auto& resource : machine_.All()) {
    const auto foreign = std::dynamic_pointer_cast<machine::ForeignResource>(resource);
    if (foreign != nullptr) services.insert(foreign->proto_service());
  }
  return {services.begin(), services.end()};
}

absl::StatusOr<ForeignTarget> MachineRouter::Route(const std::string& service,
                                                   const std::string& resource) const {
  // Two APIs may have resources of one name, and a resource of a remote has two names.
  std::set<machine::Api> apis;
  for (const auto& name : machine_.Names()) apis.insert(name.api);
  for (const auto& api : apis) {
    const auto found = machine_.Find({api, resource});
    if (!found.ok()) continue;
    if (const auto foreign = AsForeign(*found, service); foreign != nullptr)
      return ForeignTarget{foreign->channel(), foreign->remote_name()};
  }
  return NotFound("no resource named \"" + resource + "\" serves " + service);
}

}  // namespace bowerbird::serve
