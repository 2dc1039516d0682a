// SPDX-License-Identifier: Apache-2.0
#include "serve/data_manager_rpc.h"

#include "base/status.h"
#include "service/datamanager/v1/data_manager.pb.h"

namespace bowerbird::serve {

namespace proto = viam::service::datamanager::v1;

DataManagerRpc::DataManagerRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.service.datamanager.v1.DataManagerService", admission, finder,
                  machine::kDataManagerApi) {
  Unary<proto::SyncRequest, proto::SyncResponse>(
      "Sync",
      [this](Call& call, const proto::SyncRequest& request, proto::SyncResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto manager, Find<machine::DataManager>(request.name()));
        ASSIGN_OR_RETURN(const auto extra, ReadExtra(request.extra(), call.context()));
        return manager->Sync(call.context(), extra);
      });
  AddDoCommand();
  AddGetStatus();
}

}  // namespace bowerbird::serve
