// SPDX-License-Identifier: Apache-2.0
//
// What the services of stored data share: the catalog, whom a call acts for, links to files.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status.h"
#include "data/catalog.h"
#include "serve/download_links.h"
#include "serve/hub_access.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

// All of them outlive the services.
struct Hub {
  data::Catalog& catalog;
  HubAccess& access;
  const DownloadLinks& links;
  // The clock of uploads and links.
  std::function<data::Time()> now = [] {
    return std::chrono::time_point_cast<data::Time::duration>(std::chrono::system_clock::now());
  };
};

class HubRpc : public RpcService {
 protected:
  HubRpc(std::string service_name, Admission& admission, Hub hub)
      : RpcService(std::move(service_name), admission), hub_(std::move(hub)) {}

  const Hub& hub() const { return hub_; }
  data::Catalog& catalog() const { return hub_.catalog; }

  absl::StatusOr<data::Caller> Enter(const Call& call, Permission permission,
                                     const std::string& organization_id = "") const {
    return hub_.access.Enter(call, organization_id, permission);
  }
  // For reading what was captured, also by keys for a part of the organization.
  absl::StatusOr<data::Caller> EnterToRead(const Call& call,
                                           const std::string& organization_id = "") const {
    return hub_.access.EnterToRead(call, organization_id);
  }
  // For requests that name items: ids begin with their organization, unless only the file is named.
  absl::StatusOr<data::Caller> EnterForItems(const Call& call, Permission permission,
                                             std::span<const std::string> ids) const;
  // For requests with a filter: it may name the organization.
  absl::StatusOr<data::Caller> EnterForFilter(const Call& call, Permission permission,
                                              const data::Filter& filter) const;

  // Registers a call that is known by name and not served: UNIMPLEMENTED, with the reason.
  template <typename Request, typename Response>
  void Refuse(const std::string& name, const std::string& reason) {
    Unary<Request, Response>(name, [name, reason](Call&, const Request&, Response&) {
      return absl::UnimplementedError(ToAbsl(name + " is not served here: " + reason));
    });
  }

 private:
  const Hub hub_;
};

}  // namespace bowerbird::serve
