// SPDX-License-Identifier: Apache-2.0
//
// Uploader: a sequence, by viam.app.data.v1.DataService.
#include "app/data/v1/data.pb.h"
#include "base/status.h"
#include "capture/sequences.h"
#include "capture/upload_call.h"
#include "capture/uploader.h"
#include "google/protobuf/util/time_util.h"
#include "grpcpp/grpcpp.h"

namespace bowerbird::capture {
namespace {

constexpr uint64_t kMaxFile = uint64_t{1} << 20;

google::protobuf::Timestamp ToTimestamp(Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(time.time_since_epoch().count());
}

}  // namespace

absl::Status Uploader::UploadSequence(const std::string& path) {
  return WithToken([&]() -> absl::Status {
    const auto content = ReadFile(files_, path, kMaxFile);
    if (absl::IsResourceExhausted(content.status()))
      return absl::DataLossError("it is no sequence: larger than 1 MiB");
    RETURN_IF_ERROR(content.status());
    ASSIGN_OR_RETURN(const Sequence sequence, DecodeSequence(*content));
    viam::app::data::v1::CreateSequenceRequest request;
    ASSIGN_OR_RETURN(*request.mutable_part_id(), PartId());
    for (const auto& [name, method] : sequence.key.resources) {
      auto& resource = *request.add_resources();
      resource.set_resource_name(name);
      resource.set_method_name(method);
    }
    for (const std::string& tag : sequence.key.tags) request.add_sequence_tags(tag);
    *request.mutable_start_time() = ToTimestamp(sequence.start);
    *request.mutable_end_time() = ToTimestamp(sequence.end);
    ASSIGN_OR_RETURN(const std::string token, Token());
    Call call(*this, token, content->size());
    viam::app::data::v1::CreateSequenceResponse response;
    absl::Status sent = CallUnary(*hub_.channel, "viam.app.data.v1.DataService", "CreateSequence",
                                  call.context(), request, response);
    // It will say so to every one: no reason to ask for each again and again.
    if (absl::IsUnimplemented(sent))
      return InvalidArgument("this hub keeps no sequences (" + MessageOf(sent) +
                             "): move the file back into sequences/ for one that does");
    return sent;
  });
}

}  // namespace bowerbird::capture
