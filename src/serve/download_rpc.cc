// SPDX-License-Identifier: Apache-2.0
#include "serve/download_rpc.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace bowerbird::serve {
namespace {

constexpr uint64_t kPiece = 262'144;

absl::Status ClientGone() { return absl::CancelledError("the client takes no more of the file"); }

bool Matches(const google::protobuf::RepeatedPtrField<std::string>& tags, const std::string& tag) {
  return std::any_of(tags.begin(), tags.end(),
                     [&](const std::string& one) { return one == "*" || one == tag; });
}

absl::Status ApplyRange(const v1::ByteRange& range, v1::FileHead& head) {
  if (range.has_suffix() == range.has_first())
    return InvalidArgument("a range has either its first byte or a suffix");
  if (range.has_first() && range.has_last() && range.last() < range.first())
    return InvalidArgument("a range ends before it begins");
  const uint64_t size = head.size();
  const uint64_t first = range.has_first() ? range.first() : size - std::min(size, range.suffix());
  const uint64_t end = range.has_last() && range.last() < size ? range.last() + 1 : size;
  if (first >= end) {
    head.set_out_of_range(true);
    head.set_length(0);
    return absl::OkStatus();
  }
  head.set_partial(true);
  head.set_first(first);
  head.set_length(end - first);
  return absl::OkStatus();
}

// The organization that the id begins with.
std::string OrganizationOf(const std::string& item_id) {
  const size_t slash = item_id.find('/');
  return slash == std::string::npos ? std::string() : item_id.substr(0, slash);
}

// The last part of a path of either kind of system, or a name made of the id.
std::string NameOf(const data::Item& item) {
  const size_t slash = item.file_name.find_last_of("/\\");
  std::string name = slash == std::string::npos ? item.file_name : item.file_name.substr(slash + 1);
  return name.empty() ? item.file_id + item.file_extension : name;
}

}  // namespace

absl::StatusOr<v1::FileHead> DownloadHead(const v1::ReadFileRequest& request,
                                          const std::string& tag, uint64_t size) {
  v1::FileHead head;
  head.set_tag(tag);
  head.set_size(size);
  head.set_length(size);
  if (Matches(request.if_none_match(), tag)) {
    head.set_not_modified(true);
    head.set_length(0);
    return head;
  }
  const bool range_counts = request.if_range().empty() || request.if_range() == tag;
  if (request.has_range() && range_counts) RETURN_IF_ERROR(ApplyRange(request.range(), head));
  return head;
}

DownloadRpc::DownloadRpc(Admission& admission, Hub hub)
    : HubRpc("bowerbird.v1.DownloadService", admission, std::move(hub)) {
  ServerStream<v1::ReadFileRequest, v1::ReadFileResponse>(
      "ReadFile", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        const std::vector<std::string> ids = {request.binary_data_id()};
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kRead, ids));
        return Read(call, caller, request, send);
      });
  ServerStream<v1::ReadSignedFileRequest, v1::ReadFileResponse>(
      "ReadSignedFile",
      [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        const std::string& id = request.file().binary_data_id();
        const auto now =
            std::chrono::floor<std::chrono::seconds>(this->hub().now().time_since_epoch());
        RETURN_IF_ERROR(
            this->hub().links.Check(id, request.expires(), request.signature(), now.count()));
        // Who made the link could see the item; the link stands for that.
        const data::Caller caller{OrganizationOf(id), "signed link"};
        return Read(call, caller, request.file(), send);
      },
      {.needs_no_credentials = true});
}

absl::Status DownloadRpc::Read(Call& call, const data::Caller& caller,
                               const v1::ReadFileRequest& request, const Send& send) const {
  const std::vector<std::string> ids = {request.binary_data_id()};
  ASSIGN_OR_RETURN(const auto items, catalog().items().Get(caller, ids));
  if (request.preview()) return SendPreview(items.front(), request, send);
  return SendFile(call, items.front(), request, send);
}

absl::Status DownloadRpc::SendFile(Call& call, const data::Item& item,
                                   const v1::ReadFileRequest& request, const Send& send) const {
  ASSIGN_OR_RETURN(v1::FileHead head, DownloadHead(request, item.content_hash, item.size));
  head.set_mime_type(item.source.mime_type);
  head.set_file_name(NameOf(item));
  // Opened first: a file that is missing is an error, not a head and then nothing.
  ASSIGN_OR_RETURN(const auto file, catalog().items().Open(item));
  v1::ReadFileResponse response;
  *response.mutable_head() = head;
  if (!send(response)) return ClientGone();
  if (request.head_only()) return absl::OkStatus();
  response.Clear();
  uint64_t offset = head.first();
  for (uint64_t left = head.length(); left > 0;) {
    RETURN_IF_ERROR(call.context().Check());
    std::string& piece = *response.mutable_data();
    piece.resize(std::min(left, kPiece));
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, piece));
    if (count == 0)
      return absl::DataLossError(ToAbsl("the file of " + item.id +
                                        " is shorter than it was: run `bowerbird data verify`"));
    piece.resize(count);
    offset += count;
    left -= count;
    if (!send(response)) return ClientGone();
  }
  return absl::OkStatus();
}

absl::Status DownloadRpc::SendPreview(const data::Item& item, const v1::ReadFileRequest& request,
                                      const Send& send) const {
  // What a preview looks like is decided by the content, so its tag tells it from the file's.
  const std::string tag = item.content_hash + "-preview";
  const bool known = Matches(request.if_none_match(), tag);
  std::string jpeg;
  if (!known) {
    ASSIGN_OR_RETURN(jpeg, catalog().items().Preview(item));
  }
  ASSIGN_OR_RETURN(v1::FileHead head, DownloadHead(request, tag, jpeg.size()));
  head.set_mime_type("image/jpeg");
  head.set_file_name(item.file_id + ".jpeg");
  v1::ReadFileResponse response;
  *response.mutable_head() = head;
  // Small enough for one message with its head.
  if (!request.head_only()) response.set_data(jpeg.substr(head.first(), head.length()));
  return send(response) ? absl::OkStatus() : ClientGone();
}

}  // namespace bowerbird::serve
