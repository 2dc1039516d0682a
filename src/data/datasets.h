// SPDX-License-Identifier: Apache-2.0
//
// Datasets: named sets of items. A dataset holds references; deleting it deletes no item.
// Thread-safe, durable on return.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/caller.h"

namespace bowerbird::data {

class Core;

enum class DatasetType { kBinaryData = 0, kSequenceData = 1 };

struct Dataset {
  std::string id{};  // 24 hex digits
  std::string name{};
  std::string organization_id{};
  Time time_created{};
  DatasetType type = DatasetType::kBinaryData;
  uint64_t item_count = 0;
};

class Datasets {
 public:
  explicit Datasets(Core& core);

  // Names are 1 to 200 bytes and unique in the organization (ALREADY_EXISTS). UNIMPLEMENTED for
  // datasets of sequences.
  absl::StatusOr<std::string> Create(const Caller& caller, const std::string& name,
                                     DatasetType type = DatasetType::kBinaryData);
  absl::Status Rename(const Caller& caller, const std::string& id, const std::string& name);
  // FAILED_PRECONDITION while it has snapshots: they would lose what they are snapshots of.
  absl::Status Delete(const Caller& caller, const std::string& id);
  // By name.
  absl::StatusOr<std::vector<Dataset>> List(const Caller& caller);
  // Those of `ids` that exist, in that order.
  absl::StatusOr<std::vector<Dataset>> Get(const Caller& caller, std::span<const std::string> ids);
  // A new dataset with every item of the others.
  absl::StatusOr<std::string> Merge(const Caller& caller, std::span<const std::string> ids,
                                    const std::string& name);

  // All or none: NOT_FOUND names the first id that is not there. Items that are members already, or
  // are none, are passed over.
  absl::Status AddItems(const Caller& caller, const std::string& id,
                        std::span<const std::string> item_ids);
  absl::Status RemoveItems(const Caller& caller, const std::string& id,
                           std::span<const std::string> item_ids);

 private:
  Core& core_;
};

}  // namespace bowerbird::data
