// SPDX-License-Identifier: Apache-2.0
#include "serve/datasync_rpc.h"

#include "serve/hub_test_server.h"

namespace bowerbird::serve::test {
namespace {

using sync_v1::DataCaptureUploadResponse;
using sync_v1::FileUploadRequest;
using sync_v1::FileUploadResponse;

class DataSyncTest : public HubServerTest {
 protected:
  static constexpr uint64_t kLimit = 3'000'000;

  std::vector<std::unique_ptr<RpcService>> MakeServices(Admission& admission,
                                                        const Hub& hub) override {
    auto services = MakeHubServices(admission, hub);
    services[0] = std::make_unique<DataSyncRpc>(admission, hub, kLimit);
    return services;
  }

  static FileUploadRequest FileMetadata(const std::string& part = "part-a") {
    FileUploadRequest request;
    request.mutable_metadata()->set_part_id(part);
    request.mutable_metadata()->set_file_name("/shots/one.png");
    request.mutable_metadata()->set_type(sync_v1::DATA_TYPE_FILE);
    request.mutable_metadata()->mutable_file_create_time()->set_seconds(77);
    request.mutable_metadata()->add_tags("night");
    return request;
  }
  static FileUploadRequest FilePiece(const std::string& bytes) {
    FileUploadRequest request;
    request.mutable_file_contents()->set_data(bytes);
    return request;
  }

  absl::StatusOr<FileUploadResponse> SendFile(const std::vector<FileUploadRequest>& messages) {
    AnyCall call(channel_, "/viam.app.datasync.v1.DataSyncService/FileUpload");
    for (const FileUploadRequest& message : messages)
      if (!call.Write(message.SerializeAsString())) break;
    call.WritesDone();
    FileUploadResponse response;
    const std::string answer = call.Read();
    RETURN_IF_ERROR(StatusOf(call.Finish()));
    if (!response.ParseFromString(answer)) return Internal("no message");
    return response;
  }
};

TEST_F(DataSyncTest, AnUploadIsFoundWithItsBytesAndWithWhatTheHubKnowsOfItsPart) {
  const auto answer = Ask<DataCaptureUploadResponse>("DataSyncService/DataCaptureUpload",
                                                     BinaryUpload("some bytes", 100));
  ASSERT_TRUE(answer.ok()) << answer.status();
  data_v1::BinaryDataByFilterRequest request;
  request.set_include_binary(true);
  const auto found = Find(request);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->data_size(), 1);
  EXPECT_EQ(found->data(0).binary(), "some bytes");
  const data_v1::BinaryMetadata& metadata = found->data(0).metadata();
  EXPECT_EQ(metadata.id(), answer->file_id());
  EXPECT_EQ(metadata.binary_data_id(), answer->binary_data_id());
  EXPECT_EQ(metadata.binary_data_id(), "org-a/loc-1/" + answer->file_id());
  EXPECT_EQ(metadata.file_size_bytes(), 10u);
  EXPECT_EQ(metadata.time_requested().seconds(), 100);
  EXPECT_EQ(metadata.capture_metadata().robot_name(), "bench");
  EXPECT_EQ(metadata.capture_metadata().mime_type(), "image/jpeg");
  EXPECT_NE(metadata.uri().find("http://127.0.0.1:" + std::to_string(server_->port()) +
                                "/data/files/org-a/loc-1/"),
            std::string::npos)
      << metadata.uri();
}

TEST_F(DataSyncTest, TheSameUploadSentThreeTimesIsThereOnce) {
  const std::string id = Upload("a", 1);
  EXPECT_EQ(Upload("a", 1), id);
  EXPECT_EQ(Upload("a", 1), id);
  EXPECT_EQ(Count(), 1u);
  EXPECT_NE(Upload("a", 2), id);
  EXPECT_EQ(Count(), 2u);
}

TEST_F(DataSyncTest, SeveralBinariesOfOneUploadAreAnItemEach) {
  auto request = BinaryUpload("first", 1);
  auto& second = *request.add_sensor_contents();
  second.mutable_metadata()->mutable_time_requested()->set_seconds(2);
  second.set_binary("second");
  const auto answer = Ask<DataCaptureUploadResponse>("DataSyncService/DataCaptureUpload", request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(Count(), 2u);
}

TEST_F(DataSyncTest, AnUnknownPartIsNotFoundAndSoIsThatOfAnotherOrganization) {
  for (const char* const part : {"part-x", "part-b"}) {
    const auto answer = Ask<DataCaptureUploadResponse>("DataSyncService/DataCaptureUpload",
                                                       BinaryUpload("a", 1, part));
    EXPECT_TRUE(absl::IsNotFound(answer.status())) << part << ": " << answer.status();
  }
  const auto none =
      Ask<DataCaptureUploadResponse>("DataSyncService/DataCaptureUpload", BinaryUpload("a", 1, ""));
  EXPECT_TRUE(absl::IsInvalidArgument(none.status())) << none.status();
  EXPECT_EQ(Count(), 0u);
}

TEST_F(DataSyncTest, WhatCanNeverSucceedIsAnInvalidArgumentAndNothingOfItIsStored) {
  auto tag = BinaryUpload("a", 1);
  tag.mutable_metadata()->add_tags("");
  auto dataset = BinaryUpload("a", 1);
  dataset.mutable_metadata()->add_dataset_ids("0123456789abcdef01234567");
  auto box = BinaryUpload("a", 1);
  box.mutable_sensor_contents(0)->mutable_metadata()->mutable_annotations()->add_bboxes();
  auto mixed = BinaryUpload("a", 1);
  mixed.add_sensor_contents()->mutable_struct_();
  for (const auto& request : {tag, dataset, box, mixed}) {
    const auto answer =
        Ask<DataCaptureUploadResponse>("DataSyncService/DataCaptureUpload", request);
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status())) << answer.status();
  }
  EXPECT_EQ(Count(), 0u);
}

TEST_F(DataSyncTest, AFileInPiecesIsOneItem) {
  const std::string piece(65536, 'x');
  const auto answer =
      SendFile({FileMetadata(), FilePiece(piece), FilePiece(piece), FilePiece("end")});
  ASSERT_TRUE(answer.ok()) << answer.status();
  data_v1::BinaryDataByIDsRequest request;
  request.add_binary_data_ids(answer->binary_data_id());
  request.set_include_binary(true);
  const auto got = Ask<data_v1::BinaryDataByIDsResponse>("DataService/BinaryDataByIDs", request);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->data(0).binary(), piece + piece + "end");
  const auto& metadata = got->data(0).metadata();
  EXPECT_EQ(metadata.file_name(), "/shots/one.png");
  EXPECT_EQ(metadata.file_ext(), ".png");
  EXPECT_EQ(metadata.capture_metadata().mime_type(), "image/png");
  EXPECT_EQ(metadata.capture_metadata().tags(0), "night");
  EXPECT_EQ(metadata.time_requested().seconds(), 77);
}

TEST_F(DataSyncTest, AnEmptyFileIsAFile) {
  const auto answer = SendFile({FileMetadata()});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(Count(), 1u);
}

TEST_F(DataSyncTest, AStreamWithoutMetadataOrWithTwoIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(SendFile({}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SendFile({FilePiece("x")}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SendFile({FileMetadata(), FileMetadata()}).status()));
  EXPECT_TRUE(absl::IsNotFound(SendFile({FileMetadata("part-x"), FilePiece("x")}).status()));
  EXPECT_EQ(Count(), 0u);
}

TEST_F(DataSyncTest, AFileBeyondTheLimitIsRefusedForGood) {
  const std::string piece(1'000'000, 'x');
  const auto fits =
      SendFile({FileMetadata(), FilePiece(piece), FilePiece(piece), FilePiece(piece)});
  EXPECT_TRUE(fits.ok()) << fits.status();
  const auto answer = SendFile(
      {FileMetadata(), FilePiece(piece), FilePiece(piece), FilePiece(piece), FilePiece("1")});
  EXPECT_TRUE(absl::IsInvalidArgument(answer.status())) << answer.status();
}

TEST_F(DataSyncTest, AStreamThatBreaksOffLeavesNothing) {
  const std::string piece(40'000, 'x');
  for (int round = 0; round < 200; ++round) {
    AnyCall call(channel_, "/viam.app.datasync.v1.DataSyncService/FileUpload");
    ASSERT_TRUE(call.Write(FileMetadata().SerializeAsString()));
    for (int i = 0; i < round % 4; ++i) call.Write(FilePiece(piece).SerializeAsString());
    call.context.TryCancel();
    EXPECT_FALSE(call.Finish().ok());
  }
  // The handlers may still be about to end.
  EXPECT_TRUE(Eventually([&] { return server_->operations().List().size() == 0; }));
  EXPECT_EQ(Count(), 0u);
}

TEST_F(DataSyncTest, ACallThatIsDroppedLeavesNothing) {
  const std::string piece(40'000, 'x');
  for (int round = 0; round < 40; ++round) {
    auto channel = Dial(server_->port());
    auto call = std::make_unique<AnyCall>(
        channel, "/viam.app.datasync.v1.DataSyncService/StreamingDataCaptureUpload");
    sync_v1::StreamingDataCaptureUploadRequest request;
    *request.mutable_metadata()->mutable_upload_metadata() = FileMetadata().metadata();
    call->Write(request.SerializeAsString());
    request.set_data(piece);
    call->Write(request.SerializeAsString());
    call.reset();
    channel.reset();
  }
  EXPECT_TRUE(Eventually([&] { return server_->operations().List().size() == 0; }));
  EXPECT_EQ(Count(), 0u);
}

}  // namespace
}  // namespace bowerbird::serve::test
