// SPDX-License-Identifier: Apache-2.0
//
// Datasets of a hub, as people name them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "app/dataset/v1/dataset.pb.h"
#include "app/hub_client.h"

namespace bowerbird::app {

// Of `organization_id`, "" = the key's own.
absl::StatusOr<viam::app::dataset::v1::ListDatasetsByOrganizationIDResponse> ListDatasets(
    const HubClient& hub, const std::string& organization_id);

// The id of the dataset with that id or name. NOT_FOUND.
absl::StatusOr<std::string> FindDataset(const HubClient& hub, const std::string& organization_id,
                                        const std::string& wanted);

}  // namespace bowerbird::app
