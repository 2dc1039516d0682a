// SPDX-License-Identifier: Apache-2.0
#include "serve/dataset_rpc.h"

#include <vector>

#include "app/dataset/v1/dataset.pb.h"
#include "wire/hub/snapshot.h"

namespace bowerbird::serve {

namespace proto = viam::app::dataset::v1;

namespace {

constexpr char kNoSequences[] = "sequences are not kept; datasets are of binary data";

std::vector<std::string> List(const google::protobuf::RepeatedPtrField<std::string>& field) {
  return {field.begin(), field.end()};
}

data::DatasetType TypeOf(proto::DatasetType type) {
  return type == proto::DATASET_TYPE_SEQUENCE_DATA ? data::DatasetType::kSequenceData
                                                   : data::DatasetType::kBinaryData;
}

}  // namespace

DatasetRpc::DatasetRpc(Admission& admission, Hub hub)
    : HubRpc("viam.app.dataset.v1.DatasetService", admission, std::move(hub)) {
  Unary<proto::CreateDatasetRequest, proto::CreateDatasetResponse>(
      "CreateDataset", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller,
                         Enter(call, Permission::kWrite, request.organization_id()));
        ASSIGN_OR_RETURN(const std::string id, catalog().datasets().Create(caller, request.name(),
                                                                           TypeOf(request.type())));
        response.set_id(id);
        return absl::OkStatus();
      });
  Unary<proto::DeleteDatasetRequest, proto::DeleteDatasetResponse>(
      "DeleteDataset", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kWrite));
        return catalog().datasets().Delete(caller, request.id());
      });
  Unary<proto::RenameDatasetRequest, proto::RenameDatasetResponse>(
      "RenameDataset", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kWrite));
        return catalog().datasets().Rename(caller, request.id(), request.name());
      });
  Unary<proto::ListDatasetsByOrganizationIDRequest, proto::ListDatasetsByOrganizationIDResponse>(
      "ListDatasetsByOrganizationID",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller,
                         Enter(call, Permission::kRead, request.organization_id()));
        ASSIGN_OR_RETURN(const auto datasets, catalog().datasets().List(caller));
        for (const data::Dataset& dataset : datasets) {
          if (request.has_type() && TypeOf(request.type()) != dataset.type) continue;
          wire::WriteDataset(dataset, *response.add_datasets());
        }
        return absl::OkStatus();
      });
  Unary<proto::ListDatasetsByIDsRequest, proto::ListDatasetsByIDsResponse>(
      "ListDatasetsByIDs", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        ASSIGN_OR_RETURN(const auto datasets,
                         catalog().datasets().Get(caller, List(request.ids())));
        for (const data::Dataset& dataset : datasets)
          wire::WriteDataset(dataset, *response.add_datasets());
        return absl::OkStatus();
      });
  Unary<proto::MergeDatasetsRequest, proto::MergeDatasetsResponse>(
      "MergeDatasets", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller,
                         Enter(call, Permission::kWrite, request.organization_id()));
        ASSIGN_OR_RETURN(
            const std::string id,
            catalog().datasets().Merge(caller, List(request.dataset_ids()), request.name()));
        response.set_dataset_id(id);
        return absl::OkStatus();
      });
  Refuse<proto::StartSequenceDatasetExportRequest, proto::StartSequenceDatasetExportResponse>(
      "StartSequenceDatasetExport", kNoSequences);
  Refuse<proto::GetSequenceDatasetExportRequest, proto::GetSequenceDatasetExportResponse>(
      "GetSequenceDatasetExport", kNoSequences);
}

}  // namespace bowerbird::serve
