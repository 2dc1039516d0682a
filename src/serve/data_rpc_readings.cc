// SPDX-License-Identifier: Apache-2.0
//
// Readings of sensors, and what of the service is not served.
#include "serve/data_rpc.h"
#include "wire/hub/filter.h"
#include "wire/hub/item.h"
#include "wire/hub/method_parameters.h"
#include "wire/hub/query_rows.h"

namespace bowerbird::serve {

namespace proto = viam::app::data::v1;

namespace {

template <typename Request>
absl::StatusOr<data::ResourceMethod> ResourceMethodOf(const Request& request) {
  data::ResourceMethod what;
  what.part_id = request.part_id();
  what.resource_name = request.resource_name();
  what.resource_subtype = request.resource_subtype();
  what.method_name = request.method_name();
  if (request.has_additional_parameters()) {
    ASSIGN_OR_RETURN(what.method_parameters,
                     wire::ReadMethodParameters(request.additional_parameters()));
  }
  return what;
}

}  // namespace

void DataRpc::AddReadingCalls() {
  Unary<proto::TabularDataByFilterRequest, proto::TabularDataByFilterResponse>(
      "TabularDataByFilter", [this](Call& call, const auto& request, auto& response) {
        return FindReadings(call, request, response);
      });
  ServerStream<proto::ExportTabularDataRequest, proto::ExportTabularDataResponse>(
      "ExportTabularData", [this](Call& call, const auto& request, const auto& send) {
        return ExportReadings(call, request, send);
      });
  Unary<proto::GetLatestTabularDataRequest, proto::GetLatestTabularDataResponse>(
      "GetLatestTabularData",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto what, ResourceMethodOf(request));
        ASSIGN_OR_RETURN(const auto caller, EnterToRead(call));
        ASSIGN_OR_RETURN(const auto latest, catalog().readings().Latest(caller, what));
        // An answer without payload tells clients that there is none.
        return latest.has_value() ? wire::WriteReading(*latest, response) : absl::OkStatus();
      });
  Unary<proto::TabularDataBySQLRequest, proto::TabularDataBySQLResponse>(
      "TabularDataBySQL", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller,
                         Enter(call, Permission::kRead, request.organization_id()));
        ASSIGN_OR_RETURN(const data::SqlResult result,
                         catalog().readings().Sql(call.context(), caller, request.sql_query()));
        return wire::WriteQueryRows(result, max_answer_bytes_, response);
      });
  Unary<proto::DeleteTabularDataRequest, proto::DeleteTabularDataResponse>(
      "DeleteTabularData", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller,
                         Enter(call, Permission::kWrite, request.organization_id()));
        ASSIGN_OR_RETURN(
            const uint64_t count,
            catalog().readings().Delete(caller, request.delete_older_than_days(), filter));
        response.set_deleted_count(count);
        return absl::OkStatus();
      });
}

absl::Status DataRpc::FindReadings(Call& call, const proto::TabularDataByFilterRequest& request,
                                   proto::TabularDataByFilterResponse& response) const {
  ASSIGN_OR_RETURN(data::PageRequest page_request, wire::ReadPageRequest(request.data_request()));
  ASSIGN_OR_RETURN(const data::Caller caller,
                   EnterForFilter(call, Permission::kRead, page_request.filter));
  data::Readings& store = catalog().readings();
  if (request.count_only()) {
    ASSIGN_OR_RETURN(const data::Totals totals, store.Count(caller, page_request.filter));
    response.set_count(totals.count);
    response.set_total_size_bytes(totals.bytes);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(data::ReadingPage page, store.List(caller, page_request));
  for (;;) {
    response.Clear();
    RETURN_IF_ERROR(wire::WriteReadings(page, response));
    const size_t count = page.readings.size();
    const bool fits = count <= 1 || response.ByteSizeLong() <= max_answer_bytes_;
    if (fits && (count == 0 || !page.last.empty())) break;
    // See FindItems: a page of the size that fits, or of this one, which is then a full page.
    page_request.limit = fits ? count : count / 2;
    ASSIGN_OR_RETURN(page, store.List(caller, page_request));
  }
  uint64_t bytes = 0;
  for (const data::Reading& reading : page.readings) bytes += reading.payload.size();
  response.set_total_size_bytes(bytes);
  response.set_count(static_cast<uint64_t>(response.data_size()));
  return absl::OkStatus();
}

absl::Status DataRpc::ExportReadings(
    Call& call, const proto::ExportTabularDataRequest& request,
    const std::function<bool(const proto::ExportTabularDataResponse&)>& send) const {
  ASSIGN_OR_RETURN(const data::ResourceMethod what, ResourceMethodOf(request));
  ASSIGN_OR_RETURN(const wire::Interval interval, wire::ReadInterval(request.interval()));
  ASSIGN_OR_RETURN(const data::Caller caller, EnterToRead(call));
  return catalog().readings().Export(
      caller, what, interval.start, interval.end,
      [&](const data::ReadingSource& source, const data::Reading& reading) -> absl::Status {
        proto::ExportTabularDataResponse response;
        RETURN_IF_ERROR(wire::WriteReading(source, reading, response));
        if (send(response)) return absl::OkStatus();
        return absl::CancelledError("the client takes no more readings");
      });
}

void DataRpc::RefuseTheRest() {
  const std::string mql =
      "it needs MongoDB's query language; TabularDataBySQL takes SQL over the table readings";
  const std::string database = "there is no database server to connect to";
  const std::string indexes = "the store keeps the indexes that it needs itself";
  const std::string saved = "queries are not kept; send them with TabularDataBySQL";
  const std::string sequences = "sequences are not kept; use an interval in the filter";
  Refuse<proto::TabularDataByMQLRequest, proto::TabularDataByMQLResponse>("TabularDataByMQL", mql);
  Refuse<proto::GetDatabaseConnectionRequest, proto::GetDatabaseConnectionResponse>(
      "GetDatabaseConnection", database);
  Refuse<proto::ConfigureDatabaseUserRequest, proto::ConfigureDatabaseUserResponse>(
      "ConfigureDatabaseUser", database);
  Refuse<proto::CreateIndexRequest, proto::CreateIndexResponse>("CreateIndex", indexes);
  Refuse<proto::ListIndexesRequest, proto::ListIndexesResponse>("ListIndexes", indexes);
  Refuse<proto::DeleteIndexRequest, proto::DeleteIndexResponse>("DeleteIndex", indexes);
  Refuse<proto::CreateSavedQueryRequest, proto::CreateSavedQueryResponse>("CreateSavedQuery",
                                                                          saved);
  Refuse<proto::UpdateSavedQueryRequest, proto::UpdateSavedQueryResponse>("UpdateSavedQuery",
                                                                          saved);
  Refuse<proto::GetSavedQueryRequest, proto::GetSavedQueryResponse>("GetSavedQuery", saved);
  Refuse<proto::DeleteSavedQueryRequest, proto::DeleteSavedQueryResponse>("DeleteSavedQuery",
                                                                          saved);
  Refuse<proto::ListSavedQueriesRequest, proto::ListSavedQueriesResponse>("ListSavedQueries",
                                                                          saved);
  Refuse<proto::AddSequencesToDatasetRequest, proto::AddSequencesToDatasetResponse>(
      "AddSequencesToDataset", sequences);
  Refuse<proto::RemoveSequencesFromDatasetRequest, proto::RemoveSequencesFromDatasetResponse>(
      "RemoveSequencesFromDataset", sequences);
  Refuse<proto::CreateSequenceRequest, proto::CreateSequenceResponse>("CreateSequence", sequences);
  Refuse<proto::GetSequenceRequest, proto::GetSequenceResponse>("GetSequence", sequences);
  Refuse<proto::UpdateSequenceRequest, proto::UpdateSequenceResponse>("UpdateSequence", sequences);
  Refuse<proto::DeleteSequenceRequest, proto::DeleteSequenceResponse>("DeleteSequence", sequences);
  Refuse<proto::ListSequencesRequest, proto::ListSequencesResponse>("ListSequences", sequences);
  Refuse<proto::SequencesByDatasetIDRequest, proto::SequencesByDatasetIDResponse>(
      "SequencesByDatasetID", sequences);
  Refuse<proto::GetSequenceBinaryDataRequest, proto::GetSequenceBinaryDataResponse>(
      "GetSequenceBinaryData", sequences);
}

}  // namespace bowerbird::serve
