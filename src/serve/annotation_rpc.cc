// SPDX-License-Identifier: Apache-2.0
#include "serve/annotation_rpc.h"

#include <string>
#include <vector>

#include "bowerbird/v1/dataset.pb.h"
#include "wire/hub/annotations.h"
#include "wire/hub/snapshot.h"
#include "wire/machine/text.h"

namespace bowerbird::serve {

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
          to.set_message(wire::Utf8(problem.message));
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
}

}  // namespace bowerbird::serve
