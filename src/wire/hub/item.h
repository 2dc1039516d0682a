// SPDX-License-Identifier: Apache-2.0
//
// Captured files and readings on their way to clients.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "app/data/v1/data.pb.h"
#include "data/caller.h"
#include "data/item.h"
#include "data/readings.h"

namespace bowerbird::wire {

// `uri`: where the file can be had over HTTP. INTERNAL if what is stored cannot be read.
absl::Status WriteItem(const data::Item& item, std::string_view uri,
                       viam::app::data::v1::BinaryMetadata& message);

// One page of TabularDataByFilter.
absl::Status WriteReadings(const data::ReadingPage& page,
                           viam::app::data::v1::TabularDataByFilterResponse& message);

// Clients read method_parameters and payload without looking whether they are there: both are set,
// always.
absl::Status WriteReading(const data::ReadingSource& source, const data::Reading& reading,
                          viam::app::data::v1::ExportTabularDataResponse& message);
absl::Status WriteReading(const data::Reading& reading,
                          viam::app::data::v1::GetLatestTabularDataResponse& message);

// The ids of a request in the form that it uses: one string each, or the three parts that older
// clients send. INVALID_ARGUMENT where both forms are used, an id is empty, or there are none.
absl::StatusOr<std::vector<std::string>> ReadItemIds(
    const google::protobuf::RepeatedPtrField<std::string>& ids,
    const google::protobuf::RepeatedPtrField<viam::app::data::v1::BinaryID>& parts);
absl::StatusOr<std::string> ReadItemId(const std::string& id,
                                       const viam::app::data::v1::BinaryID& parts);

}  // namespace bowerbird::wire
