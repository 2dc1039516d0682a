// SPDX-License-Identifier: Apache-2.0
//
// Datasets and their members, as rows. A dataset is a term of its items. Internal to this room.
#pragma once

#include <string>

#include "data/core.h"
#include "data/datasets.h"
#include "data/state.h"

namespace bowerbird::data {

// NOT_FOUND unless the caller's organization has it.
absl::Status RequireDataset(Connection& connection, int64_t org, const std::string& id);

// The term of an existing dataset, made if it has had no item yet.
absl::StatusOr<int64_t> TermOfDataset(Connection& connection, int64_t org, const std::string& id);

absl::StatusOr<std::string> CreateDatasetRow(Connection& connection, const Caller& caller,
                                             const std::string& name, Time now);

}  // namespace bowerbird::data
