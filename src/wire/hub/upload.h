// SPDX-License-Identifier: Apache-2.0
//
// Uploads as they come from machines and SDKs, as values of `data`.
//
// What is wrong with an upload itself is INVALID_ARGUMENT: clients take that to mean "never send
// this again" and put the file aside.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "app/datasync/v1/data_sync.pb.h"
#include "data/item.h"
#include "data/readings.h"

namespace bowerbird::wire {

// Where a part stands, as the hub knows it when the upload comes.
struct Origin {
  std::string location_id;
  std::string robot_id, robot_name;
  std::string part_id, part_name;
};

inline constexpr size_t kMaxNameBytes = 4096;  // of a file, component, method, extension

// A file or a captured binary, without its content. `now` stands in for times that the upload does
// not give: an upload without any time is another item each time that it is sent.
// `begin`: the first bytes of the content, for a type that neither the upload nor its extension
// tells.
absl::StatusOr<data::NewItem> ReadItemUpload(const viam::app::datasync::v1::UploadMetadata& upload,
                                             const viam::app::datasync::v1::SensorMetadata& sensor,
                                             const Origin& origin, std::string_view begin,
                                             data::Time now);

struct ReadingsUpload {
  data::ReadingSource source;
  std::vector<data::NewReading> readings;
};
absl::StatusOr<ReadingsUpload> ReadReadingsUpload(
    const viam::app::datasync::v1::DataCaptureUploadRequest& request, const Origin& origin,
    data::Time now);

// What a request of DataCaptureUpload holds. INVALID_ARGUMENT: both kinds, none, or another than
// its metadata says.
enum class UploadKind { kBinary, kTabular };
absl::StatusOr<UploadKind> KindOfUpload(
    const viam::app::datasync::v1::DataCaptureUploadRequest& request);

}  // namespace bowerbird::wire
