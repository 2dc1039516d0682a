// SPDX-License-Identifier: Apache-2.0
//
// Tags, boxes and membership in datasets.
#include "serve/data_rpc.h"
#include "wire/hub/annotations.h"
#include "wire/hub/filter.h"
#include "wire/hub/item.h"

namespace bowerbird::serve {

namespace proto = viam::app::data::v1;

namespace {

std::vector<std::string> List(const google::protobuf::RepeatedPtrField<std::string>& field) {
  return {field.begin(), field.end()};
}

template <typename Request>
absl::StatusOr<std::vector<std::string>> IdsOf(const Request& request) {
  return wire::ReadItemIds(request.binary_data_ids(), request.binary_ids());
}

template <typename Request>
absl::StatusOr<std::vector<std::string>> IdOf(const Request& request) {
  ASSIGN_OR_RETURN(std::string id, wire::ReadItemId(request.binary_data_id(), request.binary_id()));
  return std::vector<std::string>{std::move(id)};
}

}  // namespace

void DataRpc::AddTagCalls() {
  Unary<proto::AddTagsToBinaryDataByIDsRequest, proto::AddTagsToBinaryDataByIDsResponse>(
      "AddTagsToBinaryDataByIDs", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto ids, IdsOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, ids));
        return catalog().labels().AddTags(caller, ids, List(request.tags()));
      });
  Unary<proto::AddTagsToBinaryDataByFilterRequest, proto::AddTagsToBinaryDataByFilterResponse>(
      "AddTagsToBinaryDataByFilter",
      [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller, EnterForFilter(call, Permission::kWrite, filter));
        return catalog().labels().AddTagsByFilter(caller, filter, List(request.tags()));
      });
  Unary<proto::RemoveTagsFromBinaryDataByIDsRequest, proto::RemoveTagsFromBinaryDataByIDsResponse>(
      "RemoveTagsFromBinaryDataByIDs",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto ids, IdsOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, ids));
        ASSIGN_OR_RETURN(const uint64_t count,
                         catalog().labels().RemoveTags(caller, ids, List(request.tags())));
        response.set_deleted_count(count);
        return absl::OkStatus();
      });
  Unary<proto::RemoveTagsFromBinaryDataByFilterRequest,
        proto::RemoveTagsFromBinaryDataByFilterResponse>(
      "RemoveTagsFromBinaryDataByFilter",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller, EnterForFilter(call, Permission::kWrite, filter));
        ASSIGN_OR_RETURN(const uint64_t count, catalog().labels().RemoveTagsByFilter(
                                                   caller, filter, List(request.tags())));
        response.set_deleted_count(count);
        return absl::OkStatus();
      });
  Unary<proto::TagsByFilterRequest, proto::TagsByFilterResponse>(
      "TagsByFilter", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller, EnterForFilter(call, Permission::kRead, filter));
        ASSIGN_OR_RETURN(const auto tags, catalog().labels().Tags(caller, filter));
        for (const data::LabelCount& tag : tags) response.add_tags(tag.label);
        return absl::OkStatus();
      });
}

void DataRpc::AddBoxCalls() {
  Unary<proto::AddBoundingBoxToImageByIDRequest, proto::AddBoundingBoxToImageByIDResponse>(
      "AddBoundingBoxToImageByID",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto id, IdOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, id));
        ASSIGN_OR_RETURN(const std::string box,
                         catalog().labels().AddBox(caller, id.front(), wire::ReadBox(request)));
        response.set_bbox_id(box);
        return absl::OkStatus();
      });
  Unary<proto::UpdateBoundingBoxRequest, proto::UpdateBoundingBoxResponse>(
      "UpdateBoundingBox", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto id, IdOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, id));
        return catalog().labels().UpdateBox(caller, id.front(), request.bbox_id(),
                                            wire::ReadBoxChange(request));
      });
  Unary<proto::RemoveBoundingBoxFromImageByIDRequest,
        proto::RemoveBoundingBoxFromImageByIDResponse>(
      "RemoveBoundingBoxFromImageByID",
      [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto id, IdOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, id));
        return catalog().labels().RemoveBox(caller, id.front(), request.bbox_id());
      });
  Unary<proto::BoundingBoxLabelsByFilterRequest, proto::BoundingBoxLabelsByFilterResponse>(
      "BoundingBoxLabelsByFilter",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller, EnterForFilter(call, Permission::kRead, filter));
        ASSIGN_OR_RETURN(const auto labels, catalog().labels().BoxLabels(caller, filter));
        for (const data::LabelCount& label : labels) response.add_labels(label.label);
        return absl::OkStatus();
      });
}

void DataRpc::AddDatasetCalls() {
  Unary<proto::AddBinaryDataToDatasetByIDsRequest, proto::AddBinaryDataToDatasetByIDsResponse>(
      "AddBinaryDataToDatasetByIDs",
      [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto ids, IdsOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, ids));
        return catalog().datasets().AddItems(caller, request.dataset_id(), ids);
      });
  Unary<proto::RemoveBinaryDataFromDatasetByIDsRequest,
        proto::RemoveBinaryDataFromDatasetByIDsResponse>(
      "RemoveBinaryDataFromDatasetByIDs",
      [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto ids, IdsOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterForItems(call, Permission::kWrite, ids));
        return catalog().datasets().RemoveItems(caller, request.dataset_id(), ids);
      });
}

}  // namespace bowerbird::serve
