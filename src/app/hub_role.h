// SPDX-License-Identifier: Apache-2.0
//
// The hub: everything that it keeps, and the services over it. Made only where the role asks for
// it, so a machine that has its hub elsewhere pays nothing for it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "app/hub_upkeep.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "data/catalog.h"
#include "fleet/fleet.h"
#include "jobs/jobs.h"
#include "registry/registry.h"
#include "serve/download_links.h"
#include "serve/fleet_hub_access.h"
#include "serve/hub_services.h"
#include "serve/server.h"

namespace bowerbird::app {

struct HubRoleOptions {
  std::string data_dir;
  std::string database = "sqlite";  // or "sqlite:PATH", "postgresql://…"
  std::string blobs{};              // "" = below the data directory, or a directory, or "s3://…"
  int training_jobs = 1;            // that run at the same time
  // See serve::AppRpcOptions; empty where no machine runs in this process.
  std::function<std::string()> local_config{};
};

class HubRole {
 public:
  // Opens what is kept. `server` outlives the hub's use by calls, and the hub its services' calls:
  // stop the server before destroying this.
  static absl::StatusOr<std::unique_ptr<HubRole>> Open(const HubRoleOptions& options,
                                                       serve::Server& server);

  // Once the server serves: looks after what is kept and runs training jobs, until this is
  // destroyed.
  void StartWork(Metrics& metrics) {
    upkeep_.emplace(catalog_->upkeep(), metrics);
    jobs_->Start();
  }

  // To be registered with the server.
  const std::vector<std::unique_ptr<serve::RpcService>>& services() const { return services_; }
  const fleet::Fleet& fleet() const { return fleet_; }

 private:
  HubRole(std::unique_ptr<data::Catalog> catalog, fleet::Fleet fleet, serve::Server& server);
  absl::Status OpenTraining(const HubRoleOptions& options, serve::Server& server);

  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
  const std::unique_ptr<data::Catalog> catalog_;
  fleet::Fleet fleet_;
  serve::FleetHubAccess access_;
  const serve::DownloadLinks links_;
  std::unique_ptr<registry::Registry> models_;
  std::unique_ptr<jobs::Jobs> jobs_;
  std::vector<std::unique_ptr<serve::RpcService>> services_;
  std::optional<HubUpkeep> upkeep_;
};

}  // namespace bowerbird::app
