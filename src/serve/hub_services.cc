// SPDX-License-Identifier: Apache-2.0
#include "serve/hub_services.h"

#include "serve/annotation_rpc.h"
#include "serve/data_rpc.h"
#include "serve/dataset_rpc.h"
#include "serve/datasync_rpc.h"
#include "serve/download_rpc.h"
#include "serve/snapshot_rpc.h"
#include "serve/upkeep_rpc.h"

namespace bowerbird::serve {

std::vector<std::unique_ptr<RpcService>> MakeHubServices(Admission& admission, const Hub& hub) {
  std::vector<std::unique_ptr<RpcService>> services;
  services.push_back(std::make_unique<DataSyncRpc>(admission, hub));
  services.push_back(std::make_unique<DataRpc>(admission, hub));
  services.push_back(std::make_unique<DatasetRpc>(admission, hub));
  services.push_back(std::make_unique<SnapshotRpc>(admission, hub));
  services.push_back(std::make_unique<AnnotationRpc>(admission, hub));
  services.push_back(std::make_unique<UpkeepRpc>(admission, hub));
  services.push_back(std::make_unique<DownloadRpc>(admission, hub));
  return services;
}

}  // namespace bowerbird::serve
