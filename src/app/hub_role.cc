// SPDX-License-Identifier: Apache-2.0
#include "app/hub_role.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>
#include <utility>

#include "app/train_base.h"
#include "app/version.h"
#include "base/status.h"
#include "serve/app_rpc.h"
#include "serve/training_services.h"

namespace bowerbird::app {
namespace {

// What the first machine is called.
std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "local";
  return name.data();
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

// Where stored files are files of this machine.
std::string BlobFolder(const HubRoleOptions& options) {
  if (options.blobs.starts_with("s3://")) return "";
  return Absolute(options.blobs.empty() ? options.data_dir + "/hub/blobs" : options.blobs);
}

// Of the files of models: in S3 beside those of items, so that they outlive this machine with them.
std::string ModelsLocation(const HubRoleOptions& options) {
  if (!options.blobs.starts_with("s3://")) return "";
  const size_t end = std::min(options.blobs.find('?'), options.blobs.size());
  std::string location = options.blobs.substr(0, end);
  while (location.ends_with('/')) location.pop_back();
  return location + "/models" + options.blobs.substr(end);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HubRole>> HubRole::Open(const HubRoleOptions& options,
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
                                               .local_config = options.local_config}));
  RETURN_IF_ERROR(hub->OpenTraining(options, server));
  return hub;
}

absl::Status HubRole::OpenTraining(const HubRoleOptions& options, serve::Server& server) {
  const std::string folder = Absolute(options.data_dir);
  ASSIGN_OR_RETURN(models_, registry::Registry::Open({.database = &catalog_->database(),
                                                      .files = files_.get(),
                                                      .directory = folder + "/hub/models",
                                                      .blobs = ModelsLocation(options)}));
  const unsigned cores = std::max(std::thread::hardware_concurrency(), 1U);
  ASSIGN_OR_RETURN(
      jobs_,
      jobs::Jobs::Open(
          {.catalog = catalog_.get(),
           .models = models_.get(),
           .files = files_.get(),
           .directory = folder + "/hub/jobs",
           .blob_folder = BlobFolder(options),
           .find_base = [folder](const std::string& name) { return FindKeptBase(folder, name); },
           .trainer = {.argv = {TrainerPath()},
                       .threads =
                           std::max(cores / static_cast<unsigned>(options.training_jobs), 1U)},
           .at_a_time = options.training_jobs,
           .program_version = kVersion}));
  auto services = serve::MakeTrainingServices(
      server.admission(), {.jobs = *jobs_, .models = *models_, .access = access_});
  for (auto& service : services) services_.push_back(std::move(service));
  return absl::OkStatus();
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
