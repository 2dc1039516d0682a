// SPDX-License-Identifier: Apache-2.0
#include "serve/data_rpc.h"

#include <algorithm>
#include <utility>

#include "wire/hub/filter.h"
#include "wire/hub/item.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::app::data::v1;

namespace {

// Of a signed link, where the client does not say, and at most.
constexpr uint32_t kDefaultLinkMinutes = 60;
constexpr uint32_t kMaxLinkMinutes = 7 * 24 * 60;
// What the field of a message adds to its content: tag and length.
constexpr size_t kFieldOverhead = 16;

}  // namespace

DataRpc::DataRpc(Admission& admission, Hub hub, size_t max_answer_bytes)
    : HubRpc("viam.app.data.v1.DataService", admission, std::move(hub)),
      max_answer_bytes_(max_answer_bytes) {
  AddItemCalls();
  AddTagCalls();
  AddBoxCalls();
  AddDatasetCalls();
  AddReadingCalls();
  RefuseTheRest();
}

void DataRpc::AddItemCalls() {
  Unary<proto::BinaryDataByFilterRequest, proto::BinaryDataByFilterResponse>(
      "BinaryDataByFilter", [this](Call& call, const auto& request, auto& response) {
        return FindItems(call, request, response);
      });
  Unary<proto::BinaryDataByIDsRequest, proto::BinaryDataByIDsResponse>(
      "BinaryDataByIDs", [this](Call& call, const auto& request, auto& response) {
        return GetItems(call, request, response);
      });
  Unary<proto::CreateBinaryDataSignedURLRequest, proto::CreateBinaryDataSignedURLResponse>(
      "CreateBinaryDataSignedURL", [this](Call& call, const auto& request, auto& response) {
        return MakeSignedUrl(call, request, response);
      });
  Unary<proto::DeleteBinaryDataByIDsRequest, proto::DeleteBinaryDataByIDsResponse>(
      "DeleteBinaryDataByIDs",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto ids,
                         wire::ReadItemIds(request.binary_data_ids(), request.binary_ids()));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, ids));
        ASSIGN_OR_RETURN(const uint64_t count, catalog().items().Delete(caller, ids));
        response.set_deleted_count(count);
        return absl::OkStatus();
      });
  Unary<proto::DeleteBinaryDataByFilterRequest, proto::DeleteBinaryDataByFilterResponse>(
      "DeleteBinaryDataByFilter",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller, EnterForFilter(call, Permission::kWrite, filter));
        ASSIGN_OR_RETURN(const uint64_t count, catalog().items().DeleteByFilter(caller, filter));
        response.set_deleted_count(count);
        return absl::OkStatus();
      });
}

absl::StatusOr<size_t> DataRpc::Fill(const Call& call, const std::vector<data::Item>& items,
                                     bool with_content, BinaryFilterResponse& response) const {
  const std::string base = hub().links.BaseFor(call);
  size_t total = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const data::Item& item = items[i];
    proto::BinaryData data;
    RETURN_IF_ERROR(
        wire::WriteItem(item, hub().links.FileUrl(base, item.id), *data.mutable_metadata()));
    const size_t metadata = data.ByteSizeLong() + kFieldOverhead;
    // A file that no answer can hold must not keep the client from what follows it.
    const bool fits_any = metadata + item.size + kFieldOverhead <= max_answer_bytes_;
    const bool give_content = with_content && fits_any;
    const size_t size = metadata + (give_content ? item.size + kFieldOverhead : 0);
    if (i > 0 && total + size > max_answer_bytes_) return i;
    total += size;
    if (give_content) {
      ASSIGN_OR_RETURN(*data.mutable_binary(), catalog().items().Read(item, max_answer_bytes_));
    }
    response.set_total_size_bytes(response.total_size_bytes() + item.size);
    *response.add_data() = std::move(data);
  }
  return items.size();
}

absl::Status DataRpc::FindItems(Call& call, const BinaryFilterRequest& request,
                                BinaryFilterResponse& response) const {
  ASSIGN_OR_RETURN(data::PageRequest page_request, wire::ReadPageRequest(request.data_request()));
  ASSIGN_OR_RETURN(const data::Caller caller,
                   EnterForFilter(call, Permission::kRead, page_request.filter));
  data::Items& store = catalog().items();
  if (request.count_only()) {
    ASSIGN_OR_RETURN(const data::Totals totals, store.Count(caller, page_request.filter));
    response.set_count(totals.count);
    response.set_total_size_bytes(totals.bytes);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(data::ItemPage page, store.List(caller, page_request));
  for (;;) {
    response.Clear();
    ASSIGN_OR_RETURN(const size_t count,
                     Fill(call, page.items, request.include_binary(), response));
    if (count == page.items.size() && (count == 0 || !page.last.empty())) break;
    // Where the page ends is known of full pages: asks for one of just that size.
    page_request.limit = count;
    ASSIGN_OR_RETURN(page, store.List(caller, page_request));
  }
  response.set_count(static_cast<uint64_t>(response.data_size()));
  response.set_last(page.last);
  return absl::OkStatus();
}

absl::Status DataRpc::GetItems(Call& call, const BinaryIdsRequest& request,
                               BinaryIdsResponse& response) const {
  ASSIGN_OR_RETURN(const auto ids,
                   wire::ReadItemIds(request.binary_data_ids(), request.binary_ids()));
  ASSIGN_OR_RETURN(const data::Caller caller, EnterForItems(call, Permission::kRead, ids));
  ASSIGN_OR_RETURN(const std::vector<data::Item> items, catalog().items().Get(caller, ids));
  uint64_t wanted = 0;
  for (const data::Item& item : items) wanted += request.include_binary() ? item.size : 0;
  const absl::Status too_much = ResourceExhausted(
      "the " + std::to_string(items.size()) + " items have more than the " +
      std::to_string(max_answer_bytes_) +
      " bytes that one answer can hold: ask for fewer, or read each from the uri in its metadata");
  if (wanted > max_answer_bytes_) return too_much;
  BinaryFilterResponse page;
  ASSIGN_OR_RETURN(const size_t count, Fill(call, items, request.include_binary(), page));
  uint64_t given = 0;
  for (const proto::BinaryData& data : page.data()) given += data.binary().size();
  if (count < items.size() || given < wanted) return too_much;
  response.mutable_data()->Swap(page.mutable_data());
  response.set_count(count);
  return absl::OkStatus();
}

absl::Status DataRpc::MakeSignedUrl(Call& call,
                                    const proto::CreateBinaryDataSignedURLRequest& request,
                                    proto::CreateBinaryDataSignedURLResponse& response) const {
  const std::vector<std::string> ids = {request.binary_data_id()};
  if (ids.front().empty()) return InvalidArgument("no item is named: give its binary_data_id");
  const uint32_t minutes =
      request.has_expiration_minutes() ? request.expiration_minutes() : kDefaultLinkMinutes;
  if (minutes == 0 || minutes > kMaxLinkMinutes)
    return InvalidArgument("a link can be valid for 1 to " + std::to_string(kMaxLinkMinutes) +
                           " minutes, not " + std::to_string(minutes));
  ASSIGN_OR_RETURN(const data::Caller caller, EnterForItems(call, Permission::kRead, ids));
  ASSIGN_OR_RETURN(const auto items, catalog().items().Get(caller, ids));
  const data::Time expires =
      std::chrono::ceil<std::chrono::seconds>(hub().now() + std::chrono::minutes(minutes));
  const int64_t seconds =
      std::chrono::floor<std::chrono::seconds>(expires.time_since_epoch()).count();
  response.set_signed_url(
      hub().links.SignedFileUrl(hub().links.BaseFor(call), items.front().id, seconds));
  *response.mutable_expires_at() = wire::ToTimestamp(expires);
  return absl::OkStatus();
}

}  // namespace bowerbird::serve
