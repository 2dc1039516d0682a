// SPDX-License-Identifier: Apache-2.0
#include "app/dataset_name.h"

#include "base/status.h"

namespace bowerbird::app {

namespace sets = viam::app::dataset::v1;

absl::StatusOr<sets::ListDatasetsByOrganizationIDResponse> ListDatasets(
    const HubClient& hub, const std::string& organization_id) {
  sets::ListDatasetsByOrganizationIDRequest request;
  request.set_organization_id(organization_id);
  if (organization_id.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_organization_id(), OwnOrganization(hub));
  }
  sets::ListDatasetsByOrganizationIDResponse response;
  RETURN_IF_ERROR(hub.Call("/viam.app.dataset.v1.DatasetService/ListDatasetsByOrganizationID",
                           request, response));
  return response;
}

absl::StatusOr<std::string> FindDataset(const HubClient& hub, const std::string& organization_id,
                                        const std::string& wanted) {
  ASSIGN_OR_RETURN(const auto all, ListDatasets(hub, organization_id));
  for (const sets::Dataset& dataset : all.datasets()) {
    if (dataset.id() == wanted) return wanted;
  }
  for (const sets::Dataset& dataset : all.datasets()) {
    if (dataset.name() == wanted) return dataset.id();
  }
  return NotFound("no dataset has the id or name " + wanted + ": see `bowerbird dataset list`");
}

}  // namespace bowerbird::app
