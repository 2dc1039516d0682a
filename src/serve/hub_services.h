// SPDX-License-Identifier: Apache-2.0
//
// Every gRPC service of the hub role that serves stored data.
#pragma once

#include <memory>
#include <vector>

#include "serve/hub_rpc.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

// DataSyncService, DataService, DatasetService, and of bowerbird.v1 SnapshotService,
// AnnotationService, UpkeepService, DownloadService: to be registered with the server, and to be
// kept until it is gone. What `hub` refers to outlives them.
std::vector<std::unique_ptr<RpcService>> MakeHubServices(Admission& admission, const Hub& hub);

}  // namespace bowerbird::serve
