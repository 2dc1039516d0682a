// SPDX-License-Identifier: Apache-2.0
//
// Rows of TabularDataBySQL: on the wire each is a BSON document, its columns in the order asked
// for.
#pragma once

#include "absl/status/status.h"
#include "app/data/v1/data.pb.h"
#include "data/readings.h"

namespace bowerbird::wire {

// RESOURCE_EXHAUSTED: more than `limit` bytes.
absl::Status WriteQueryRows(const data::SqlResult& result, size_t limit,
                            viam::app::data::v1::TabularDataBySQLResponse& message);

}  // namespace bowerbird::wire
