// SPDX-License-Identifier: Apache-2.0
//
// The options by which commands choose stored items, and walking over what they choose.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "app/data/v1/data.pb.h"
#include "app/hub_client.h"

namespace CLI {
class App;
}

namespace bowerbird::app {

struct ItemFilterFlags {
  std::vector<std::string> location_ids, mime_types, tags, box_labels, ids;
  std::string organization_id, robot_id, robot_name, part_id, part_name, component_name,
      component_type, method, dataset_id, filter_tags, start, end;
};

// `with_ids`: items may also be named.
void AddItemFilterFlags(CLI::App& command, ItemFilterFlags& flags, bool with_ids = true);

// Whether anything was chosen at all.
bool IsEmpty(const ItemFilterFlags& flags);

// INVALID_ARGUMENT: a time that is no ISO 8601, a word for --filter-tags that is none.
absl::StatusOr<viam::app::data::v1::Filter> MakeFilter(const ItemFilterFlags& flags);

// Every item that `filter` finds, oldest first, without content; `visit`'s error ends the walk.
absl::Status ForEachItem(
    const HubClient& hub, const viam::app::data::v1::Filter& filter,
    const std::function<absl::Status(const viam::app::data::v1::BinaryMetadata&)>& visit);

absl::StatusOr<uint64_t> CountItems(const HubClient& hub,
                                    const viam::app::data::v1::Filter& filter);

}  // namespace bowerbird::app
