// SPDX-License-Identifier: Apache-2.0
//
// Which resources of a machine live elsewhere, for calls of services that this program does not
// know.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "machine/machine.h"
#include "serve/generic_proxy.h"

namespace bowerbird::serve {

class MachineRouter : public ForeignRouter {
 public:
  // `machine` outlives it.
  explicit MachineRouter(const machine::Machine& machine) : machine_(machine) {}

  bool Knows(const std::string& service) const override;
  std::vector<std::string> Services() const override;
  std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> Files() const override;
  absl::StatusOr<ForeignTarget> Route(const std::string& service, const std::string& method,
                                      const std::string& resource) const override;

 private:
  const machine::Machine& machine_;
};

}  // namespace bowerbird::serve
