// SPDX-License-Identifier: Apache-2.0
#include "serve/annotation_rpc.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "bowerbird/v1/dataset.pb.h"
#include "wire/hub/annotations.h"
#include "wire/hub/filter.h"
#include "wire/hub/snapshot.h"

namespace bowerbird::serve {
namespace {

using Send = std::function<bool(const v1::ReadAnnotationsResponse&)>;

// A page's annotations are in memory at once, and pictures may have thousands of boxes.
constexpr uint64_t kPage = 500;
constexpr size_t kMessageBytes = size_t{256} << 10;

// `last` is the page's, "" at the end of all; it goes with the page's last message.
absl::Status SendPage(const std::vector<data::Item>& items, const std::string& last,
                      const Send& send) {
  const auto gone = [] { return absl::CancelledError("the client takes no more annotations"); };
  v1::ReadAnnotationsResponse response;
  size_t bytes = 0;
  for (const data::Item& item : items) {
    if (bytes >= kMessageBytes) {
      if (!send(response)) return gone();
      response.Clear();
      bytes = 0;
    }
    v1::AnnotatedItem& message = *response.add_items();
    wire::WriteAnnotatedItem(item, message);
    bytes += message.ByteSizeLong();
  }
  response.set_last(last);
  return send(response) ? absl::OkStatus() : gone();
}

}  // namespace

AnnotationRpc::AnnotationRpc(Admission& admission, Hub hub)
    : HubRpc("bowerbird.v1.AnnotationService", admission, std::move(hub)) {
  Unary<v1::SetAnnotationsRequest, v1::SetAnnotationsResponse>(
      "SetAnnotations", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        std::vector<std::string> ids;
        std::vector<data::ItemAnnotations> items;
        for (const v1::ItemAnnotations& item : request.items()) {
          ids.push_back(item.binary_data_id());
          items.push_back({item.binary_data_id(), wire::ReadAnnotations(item.annotations())});
        }
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, ids));
        ASSIGN_OR_RETURN(const data::SetResult result, catalog().labels().Set(caller, items));
        response.set_changed(result.changed);
        for (const data::ItemProblem& problem : result.problems) {
          v1::ItemProblem& to = *response.add_problems();
          to.set_binary_data_id(problem.id);
          to.set_message(Utf8(problem.message));
        }
        return absl::OkStatus();
      });
  Unary<v1::ListAnnotationChangesRequest, v1::ListAnnotationChangesResponse>(
      "ListAnnotationChanges",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        const std::vector<std::string> ids = {request.binary_data_id()};
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kRead, ids));
        ASSIGN_OR_RETURN(const auto changes, catalog().labels().History(caller, ids.front()));
        for (const data::AnnotationChange& change : changes)
          wire::WriteChange(change, *response.add_changes());
        return absl::OkStatus();
      });
  Unary<v1::UndoAnnotationChangeRequest, v1::UndoAnnotationChangeResponse>(
      "UndoAnnotationChange",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kWrite));
        ASSIGN_OR_RETURN(const data::AnnotationChange change,
                         catalog().labels().Undo(caller, request.change_id()));
        wire::WriteChange(change, *response.mutable_change());
        return absl::OkStatus();
      });
  AddReading();
}

void AnnotationRpc::AddReading() {
  ServerStream<v1::ReadAnnotationsRequest, v1::ReadAnnotationsResponse>(
      "ReadAnnotations", [this](Call& call, const auto& request, const Send& send) -> absl::Status {
        data::PageRequest page{.order = data::Order::kAscending};
        ASSIGN_OR_RETURN(page.filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller, EnterForFilter(call, Permission::kRead, page.filter));
        page.last = request.last();
        uint64_t left = request.limit() == 0 ? UINT64_MAX : request.limit();
        do {
          RETURN_IF_ERROR(call.context().Check());
          page.limit = std::min(left, kPage);
          ASSIGN_OR_RETURN(const data::ItemPage found, catalog().items().List(caller, page));
          RETURN_IF_ERROR(SendPage(found.items, found.last, send));
          left -= found.items.size();
          page.last = found.last;
        } while (left > 0 && !page.last.empty());
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
