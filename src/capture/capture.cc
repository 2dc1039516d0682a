// SPDX-License-Identifier: Apache-2.0
#include "capture/capture.h"

#include <utility>

#include "base/status.h"
#include "capture/data_manager.h"

namespace bowerbird::capture {
namespace {

absl::StatusOr<ManagerConfig> ReadConfig(const CaptureHost::Options& options,
                                         const machine::Attributes& attributes) {
  ASSIGN_OR_RETURN(ManagerConfig config,
                   ParseManagerConfig(attributes, options.default_capture_dir));
  if (options.fixed_capture_dir && config.capture_dir != options.default_capture_dir)
    return attributes.Error("capture_dir",
                            "may not be changed in an environment that is not "
                            "trusted: leave it out");
  return config;
}

}  // namespace

CaptureHost::CaptureHost(Options options)
    : options_(std::move(options)), wanted_(std::make_shared<const Wanted>()) {}

void CaptureHost::Register(machine::Catalog& catalog) {
  machine::ModelEntry entry;
  entry.api = machine::kDataManagerApi;
  entry.model = {"rdk", "builtin", "builtin"};
  // Two of them on one folder would send each other's files.
  entry.exclusive = true;
  entry.validate =
      [this](const machine::ResourceConfig&,
             const machine::Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(ReadConfig(options_, attributes).status());
    // Sensors and captured resources are looked up at each use: capture goes on without them.
    return std::vector<std::string>();
  };
  entry.build = [this](const machine::BuildRequest& request)
      -> absl::StatusOr<std::shared_ptr<machine::Resource>> {
    ASSIGN_OR_RETURN(ManagerConfig config, ReadConfig(options_, request.attributes));
    ASSIGN_OR_RETURN(auto manager,
                     DataManager::Start(std::move(config), *this, *request.environment.finder));
    return manager;
  };
  catalog.Add(std::move(entry));
}

void CaptureHost::SetConfig(const machine::Config& config) {
  auto wanted = std::make_shared<Wanted>();
  wanted->capture = ReadCaptureMethods(config);
  for (const auto& resource : config.resources)
    if (resource.problem.ok()) wanted->names.push_back(resource.name);
  MutexLock lock(mutex_);
  wanted->version = wanted_->version + 1;
  wanted_ = std::move(wanted);
}

std::shared_ptr<const Wanted> CaptureHost::wanted() const {
  MutexLock lock(mutex_);
  return wanted_;
}

}  // namespace bowerbird::capture
