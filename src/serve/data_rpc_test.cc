// SPDX-License-Identifier: Apache-2.0
#include "serve/data_rpc.h"

#include "serve/crypto.h"
#include "serve/hub_test_server.h"

namespace bowerbird::serve::test {
namespace {

using data_v1::BinaryDataByFilterRequest;
using data_v1::BinaryDataByIDsRequest;
using data_v1::BinaryDataByIDsResponse;

class DataTest : public HubServerTest {
 protected:
  static constexpr size_t kAnswer = 100'000;

  std::vector<std::unique_ptr<RpcService>> MakeServices(Admission& admission,
                                                        const Hub& hub) override {
    auto services = MakeHubServices(admission, hub);
    services[1] = std::make_unique<DataRpc>(admission, hub, kAnswer);
    return services;
  }

  // Ids of all pages, in order; the sizes of the pages in `sizes`.
  std::vector<std::string> Walk(BinaryDataByFilterRequest request, std::vector<int>* sizes) {
    std::vector<std::string> ids;
    for (int page = 0; page < 100; ++page) {
      const auto found = Find(request);
      EXPECT_TRUE(found.ok()) << found.status();
      if (!found.ok() || found->data_size() == 0) return ids;
      EXPECT_LE(found->ByteSizeLong(), kAnswer);
      EXPECT_EQ(found->count(), static_cast<uint64_t>(found->data_size()));
      sizes->push_back(found->data_size());
      for (const auto& item : found->data()) ids.push_back(item.metadata().binary_data_id());
      EXPECT_NE(found->last(), "");
      request.mutable_data_request()->set_last(found->last());
    }
    ADD_FAILURE() << "the pages do not end";
    return ids;
  }

  absl::Status AddReadings(int count, int64_t from = 1000) {
    sync_v1::DataCaptureUploadRequest request;
    request.mutable_metadata()->set_part_id("part-a");
    request.mutable_metadata()->set_component_type("rdk:component:sensor");
    request.mutable_metadata()->set_component_name("climate");
    request.mutable_metadata()->set_method_name("Readings");
    request.mutable_metadata()->set_type(sync_v1::DATA_TYPE_TABULAR_SENSOR);
    for (int i = 0; i < count; ++i) {
      sync_v1::SensorData& data = *request.add_sensor_contents();
      data.mutable_metadata()->mutable_time_requested()->set_seconds(from + i);
      (*data.mutable_struct_()->mutable_fields())["celsius"].set_number_value(20 + i);
    }
    return Ask<sync_v1::DataCaptureUploadResponse>("DataSyncService/DataCaptureUpload", request)
        .status();
  }

  template <typename Response, typename Request>
  absl::StatusCode CodeOf(const std::string& method, const Request& request,
                          const Headers& metadata = kFirstOrganization) {
    return Ask<Response>(method, request, metadata).status().code();
  }
};

TEST_F(DataTest, PagesFollowOneAnotherUntilOneIsEmpty) {
  std::vector<std::string> uploaded;
  for (int i = 0; i < 7; ++i) uploaded.push_back(Upload(std::to_string(i), i));
  BinaryDataByFilterRequest request;
  request.mutable_data_request()->set_limit(3);
  request.mutable_data_request()->set_sort_order(data_v1::ORDER_ASCENDING);
  std::vector<int> sizes;
  EXPECT_EQ(Walk(request, &sizes), uploaded);
  EXPECT_EQ(sizes, (std::vector<int>{3, 3, 1}));
}

TEST_F(DataTest, APageEndsWhereAnAnswerIsFull) {
  std::vector<std::string> uploaded;
  for (int i = 0; i < 5; ++i)
    uploaded.push_back(Upload(std::string(40'000, static_cast<char>('a' + i)), i));
  BinaryDataByFilterRequest request;
  request.set_include_binary(true);
  request.mutable_data_request()->set_sort_order(data_v1::ORDER_ASCENDING);
  std::vector<int> sizes;
  EXPECT_EQ(Walk(request, &sizes), uploaded);
  EXPECT_EQ(sizes, (std::vector<int>{2, 2, 1}));
}

TEST_F(DataTest, AFileThatFitsNoAnswerComesWithoutItsBytesAndByIdIsRefused) {
  Upload("small", 1);
  const std::string large = Upload(std::string(kAnswer, 'x'), 2);
  BinaryDataByFilterRequest request;
  request.set_include_binary(true);
  const auto found = Find(request);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->data_size(), 2);
  EXPECT_EQ(found->data(0).metadata().binary_data_id(), large);
  EXPECT_EQ(found->data(0).binary(), "");
  EXPECT_EQ(found->data(0).metadata().file_size_bytes(), kAnswer);
  EXPECT_EQ(found->data(1).binary(), "small");
  BinaryDataByIDsRequest by_id;
  by_id.add_binary_data_ids(large);
  by_id.set_include_binary(true);
  EXPECT_EQ(CodeOf<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", by_id),
            absl::StatusCode::kResourceExhausted);
  by_id.set_include_binary(false);
  EXPECT_EQ(CodeOf<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", by_id),
            absl::StatusCode::kOk);
}

TEST_F(DataTest, BothFormsOfIdsNameTheSameItem) {
  const std::string id = Upload("x", 1);
  BinaryDataByIDsRequest request;
  auto& parts = *request.add_binary_ids();
  parts.set_organization_id("org-a");
  parts.set_location_id("loc-1");
  parts.set_file_id(id.substr(id.rfind('/') + 1));
  const auto by_parts = Ask<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", request);
  ASSERT_TRUE(by_parts.ok()) << by_parts.status();
  EXPECT_EQ(by_parts->data(0).metadata().binary_data_id(), id);
  request.add_binary_data_ids(id);
  EXPECT_EQ(CodeOf<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", request),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      CodeOf<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", BinaryDataByIDsRequest()),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(DataTest, WhatAnotherOrganizationHasIsNotThere) {
  const std::string id = Upload("x", 1);
  EXPECT_EQ(Count(kSecondOrganization), 0u);
  BinaryDataByIDsRequest by_id;
  by_id.add_binary_data_ids(id);
  EXPECT_EQ(
      CodeOf<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", by_id, kSecondOrganization),
      absl::StatusCode::kNotFound);
  // Nor by the file alone.
  by_id.set_binary_data_ids(0, id.substr(id.rfind('/') + 1));
  EXPECT_EQ(
      CodeOf<BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", by_id, kSecondOrganization),
      absl::StatusCode::kNotFound);
  data_v1::AddTagsToBinaryDataByIDsRequest tag;
  tag.add_binary_data_ids(id);
  tag.add_tags("mine");
  EXPECT_EQ(CodeOf<data_v1::AddTagsToBinaryDataByIDsResponse>(
                "DataService/AddTagsToBinaryDataByIDs", tag, kSecondOrganization),
            absl::StatusCode::kNotFound);
  data_v1::CreateBinaryDataSignedURLRequest link;
  link.set_binary_data_id(id);
  EXPECT_EQ(CodeOf<data_v1::CreateBinaryDataSignedURLResponse>(
                "DataService/CreateBinaryDataSignedURL", link, kSecondOrganization),
            absl::StatusCode::kNotFound);
  data_v1::DeleteBinaryDataByFilterRequest all;
  const auto deleted = Ask<data_v1::DeleteBinaryDataByFilterResponse>(
      "DataService/DeleteBinaryDataByFilter", all, kSecondOrganization);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->deleted_count(), 0u);
  EXPECT_EQ(Count(), 1u);
}

TEST_F(DataTest, AKeyThatMayOnlyReadChangesNothing) {
  const std::string id = Upload("x", 1);
  const Headers reader = {{"reader", "yes"}};
  data_v1::DeleteBinaryDataByIDsRequest request;
  request.add_binary_data_ids(id);
  EXPECT_EQ(CodeOf<data_v1::DeleteBinaryDataByIDsResponse>("DataService/DeleteBinaryDataByIDs",
                                                           request, reader),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Count(reader), 1u);
}

TEST_F(DataTest, ReadingsAreFoundExportedAndTheLastOneIsTheLatest) {
  ASSERT_TRUE(AddReadings(5).ok());
  data_v1::TabularDataByFilterRequest by_filter;
  by_filter.mutable_data_request()->set_limit(2);
  std::vector<double> seen;
  for (int page = 0; page < 10; ++page) {
    const auto found =
        Ask<data_v1::TabularDataByFilterResponse>("DataService/TabularDataByFilter", by_filter);
    ASSERT_TRUE(found.ok()) << found.status();
    if (found->data_size() == 0) break;
    for (const auto& row : found->data()) {
      EXPECT_EQ(found->metadata(static_cast<int>(row.metadata_index())).component_name(),
                "climate");
      seen.push_back(row.data().fields().at("celsius").number_value());
    }
    by_filter.mutable_data_request()->set_last(found->last());
  }
  EXPECT_EQ(seen, (std::vector<double>{24, 23, 22, 21, 20}));

  data_v1::ExportTabularDataRequest exported;
  exported.set_part_id("part-a");
  exported.set_resource_name("climate");
  exported.set_resource_subtype("rdk:component:sensor");
  exported.set_method_name("Readings");
  exported.mutable_interval()->mutable_start()->set_seconds(1003);
  std::vector<data_v1::ExportTabularDataResponse> rows;
  const absl::Status done = Stream("DataService/ExportTabularData", exported, rows);
  ASSERT_TRUE(done.ok()) << done;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].payload().fields().at("celsius").number_value(), 23);
  EXPECT_TRUE(rows[0].has_method_parameters());
  EXPECT_EQ(rows[0].robot_id(), "robot-1");
}

TEST_F(DataTest, ALargePageOfReadingsIsCut) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(AddReadings(900, 1000 + i * 1000).ok());
  data_v1::TabularDataByFilterRequest request;
  request.mutable_data_request()->set_limit(1000);
  size_t count = 0;
  for (int page = 0; page < 100; ++page) {
    const auto found =
        Ask<data_v1::TabularDataByFilterResponse>("DataService/TabularDataByFilter", request);
    ASSERT_TRUE(found.ok()) << found.status();
    if (found->data_size() == 0) break;
    EXPECT_LE(found->ByteSizeLong(), kAnswer);
    count += static_cast<size_t>(found->data_size());
    request.mutable_data_request()->set_last(found->last());
  }
  EXPECT_EQ(count, 4500u);
}

TEST_F(DataTest, AQueryAnswersBsonAndCannotWrite) {
  ASSERT_TRUE(AddReadings(2).ok());
  data_v1::TabularDataBySQLRequest request;
  request.set_organization_id("org-a");
  request.set_sql_query("SELECT component_name, time_requested FROM readings LIMIT 1");
  const auto answer =
      Ask<data_v1::TabularDataBySQLResponse>("DataService/TabularDataBySQL", request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->raw_data_size(), 1);
  EXPECT_NE(answer->raw_data(0).find(std::string("\x02") + "component_name"), std::string::npos);
  EXPECT_NE(answer->raw_data(0).find(std::string("\x09") + "time_requested"), std::string::npos);
  request.set_sql_query("DELETE FROM readings");
  EXPECT_EQ(CodeOf<data_v1::TabularDataBySQLResponse>("DataService/TabularDataBySQL", request),
            absl::StatusCode::kInvalidArgument);
  request.set_organization_id("org-b");
  EXPECT_EQ(CodeOf<data_v1::TabularDataBySQLResponse>("DataService/TabularDataBySQL", request),
            absl::StatusCode::kNotFound);
}

TEST_F(DataTest, CallsThatAreNotServedSaySoByName) {
  const auto answer = Ask<data_v1::TabularDataByMQLResponse>("DataService/TabularDataByMQL",
                                                             data_v1::TabularDataByMQLRequest());
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(MessageOf(answer.status()).find("TabularDataByMQL"), std::string::npos);
}

TEST_F(DataTest, ASnapshotHoldsWhatTheDatasetWasAndItsManifestHashesToItsId) {
  dataset_v1::CreateDatasetRequest create;
  create.set_name("birds");
  create.set_organization_id("org-a");
  const auto dataset =
      Ask<dataset_v1::CreateDatasetResponse>("DatasetService/CreateDataset", create);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  data_v1::AddBinaryDataToDatasetByIDsRequest add;
  add.set_dataset_id(dataset->id());
  for (int i = 0; i < 3; ++i) add.add_binary_data_ids(Upload(std::to_string(i), i));
  ASSERT_EQ(CodeOf<data_v1::AddBinaryDataToDatasetByIDsResponse>(
                "DataService/AddBinaryDataToDatasetByIDs", add),
            absl::StatusCode::kOk);
  v1::CreateSnapshotRequest request;
  request.set_dataset_id(dataset->id());
  request.set_name("first");
  const auto created = Ask<v1::CreateSnapshotResponse>("SnapshotService/CreateSnapshot", request);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->snapshot().item_count(), 3u);
  v1::ReadManifestRequest read;
  read.set_id(created->snapshot().id());
  std::vector<v1::ReadManifestResponse> pieces;
  ASSERT_TRUE(Stream("SnapshotService/ReadManifest", read, pieces).ok());
  std::string manifest;
  for (const auto& piece : pieces) manifest += piece.data();
  EXPECT_EQ(HexEncode(Sha256(manifest)), created->snapshot().id());
  EXPECT_EQ(
      CodeOf<v1::GetSnapshotResponse>("SnapshotService/GetSnapshot", read, kSecondOrganization),
      absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace bowerbird::serve::test
