// SPDX-License-Identifier: Apache-2.0
//
// Uploads as anybody may send them: what is read either fails with INVALID_ARGUMENT or comes out on
// the other side of the store's form as valid messages.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/hub/item.h"
#include "wire/hub/method_parameters.h"
#include "wire/hub/upload.h"

namespace {

using bowerbird::data::Time;
using bowerbird::wire::Origin;
namespace proto = viam::app::datasync::v1;

void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckParameters(const std::string& text) {
  bowerbird::wire::AnyMap map;
  Check(bowerbird::wire::WriteMethodParameters(text, map).ok());
  const auto again = bowerbird::wire::ReadMethodParameters(map);
  Check(again.ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proto::DataCaptureUploadRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const Origin origin{"location", "robot", "name", "part", "main"};
  const Time now{};
  const auto kind = bowerbird::wire::KindOfUpload(request);
  if (!kind.ok()) return 0;
  if (*kind == bowerbird::wire::UploadKind::kTabular) {
    const auto upload = bowerbird::wire::ReadReadingsUpload(request, origin, now);
    Check(upload.ok() || absl::IsInvalidArgument(upload.status()));
    if (upload.ok()) CheckParameters(upload->source.source.method_parameters);
    return 0;
  }
  const proto::SensorData& sensor = request.sensor_contents(0);
  const auto item = bowerbird::wire::ReadItemUpload(request.metadata(), sensor.metadata(), origin,
                                                    sensor.binary(), now);
  Check(item.ok() || absl::IsInvalidArgument(item.status()));
  if (!item.ok()) return 0;
  CheckParameters(item->source.method_parameters);
  bowerbird::data::Item stored;
  stored.source = item->source;
  stored.time_requested = item->time_requested;
  stored.time_received = item->time_received;
  stored.tags = item->tags;
  stored.annotations = item->annotations;
  stored.file_name = item->file_name;
  stored.file_extension = item->file_extension;
  viam::app::data::v1::BinaryMetadata message;
  Check(bowerbird::wire::WriteItem(stored, "", message).ok());
  // Text that is no UTF-8 would make clients refuse the whole answer.
  Check(viam::app::data::v1::BinaryMetadata().ParseFromString(message.SerializeAsString()));
  return 0;
}
