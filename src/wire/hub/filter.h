// SPDX-License-Identifier: Apache-2.0
//
// Filters and pages of the data API as values of `data`.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "app/data/v1/data.pb.h"
#include "data/filter.h"

namespace bowerbird::wire {

// INVALID_ARGUMENT: times that are none, an interval that ends before it starts, a type of the tags
// filter that does not exist.
absl::StatusOr<data::Filter> ReadFilter(const viam::app::data::v1::Filter& filter);
// Of DeleteTabularData: where readings come from, and their tags.
absl::StatusOr<data::Filter> ReadFilter(const viam::app::data::v1::DeleteTabularFilter& filter);
absl::StatusOr<data::PageRequest> ReadPageRequest(const viam::app::data::v1::DataRequest& request);

struct Interval {
  std::optional<data::Time> start, end;
};
absl::StatusOr<Interval> ReadInterval(const viam::app::data::v1::CaptureInterval& interval);

}  // namespace bowerbird::wire
