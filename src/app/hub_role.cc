// SPDX-License-Identifier: Apache-2.0
#include "app/hub_role.h"

#include <unistd.h>

#include <array>
#include <utility>

#include "base/status.h"
#include "serve/app_rpc.h"

namespace bowerbird::app {
namespace {

// What the first machine is called.
std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "local";
  return name.data();
}

}  // namespace

absl::StatusOr<std::unique_ptr<HubRole>> HubRole::Open(HubRoleOptions options,
                                                       serve::Server& server) {
  ASSIGN_OR_RETURN(auto catalog, data::Catalog::Open({.directory = options.data_dir + "/hub",
                                                      .database = options.database,
                                                      .blobs = options.blobs}));
  ASSIGN_OR_RETURN(auto fleet, fleet::Fleet::Open(
                                   {.database = &catalog->database(), .machine_name = HostName()}));
  std::unique_ptr<HubRole> hub(new HubRole(std::move(catalog), std::move(fleet), server));
  hub->services_ = serve::MakeHubServices(
      server.admission(),
      {.catalog = *hub->catalog_, .access = hub->access_, .links = hub->links_});
  hub->services_.push_back(std::make_unique<serve::AppRpc>(
      server.admission(), serve::AppRpcOptions{.fleet = hub->fleet_,
                                               .authenticator = server.authenticator(),
                                               .data_dir = options.data_dir,
                                               .local_config = std::move(options.local_config)}));
  return hub;
}

HubRole::HubRole(std::unique_ptr<data::Catalog> catalog, fleet::Fleet fleet, serve::Server& server)
    : catalog_(std::move(catalog)),
      fleet_(std::move(fleet)),
      access_(fleet_,
              [&server](const std::string& key_id) {
                return server.authenticator().PrincipalOf(key_id);
              }),
      links_(server.authenticator().DeriveKey("links to stored files"), server.tls()) {}

}  // namespace bowerbird::app
