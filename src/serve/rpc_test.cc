// SPDX-License-Identifier: Apache-2.0
#include "serve/rpc.h"

#include "app/data/v1/data.pb.h"
#include "app/datasync/v1/data_sync.pb.h"
#include "gtest/gtest.h"
#include "serve/rpc_test_server.h"

namespace bowerbird::serve {
namespace {

using viam::app::data::v1::ExportTabularDataRequest;
using viam::app::data::v1::ExportTabularDataResponse;
using viam::app::datasync::v1::FileUploadRequest;
using viam::app::datasync::v1::FileUploadResponse;

constexpr char kService[] = "test.Streams";

// Export sends `wanted` messages; Upload answers with the length of what came, or says that the
// client left.
class StreamsRpc : public RpcService {
 public:
  explicit StreamsRpc(Admission& admission, int wanted) : RpcService(kService, admission) {
    ServerStream<ExportTabularDataRequest, ExportTabularDataResponse>(
        "Export", [this, wanted](Call&, const auto& request, const auto& send) -> absl::Status {
          ExportTabularDataResponse response;
          for (sent = 0; sent < wanted; ++sent) {
            response.set_part_id(request.part_id() + std::to_string(sent));
            if (!send(response)) return absl::CancelledError("nobody reads");
          }
          return request.part_id() == "bad" ? NotFound("no such part") : absl::OkStatus();
        });
    ClientStream<FileUploadRequest, FileUploadResponse>(
        "Upload", [](Call&, const auto& receive, auto& response) -> absl::Status {
          size_t bytes = 0;
          FileUploadRequest request;
          while (receive(request)) bytes += request.file_contents().data().size();
          response.set_file_id(std::to_string(bytes));
          return absl::OkStatus();
        });
  }

  std::atomic<int> sent = 0;
};

class StreamsTest : public RpcTest {
 protected:
  grpc::internal::RpcMethod Method(const char* path, grpc::internal::RpcMethod::RpcType type) {
    return {path, type, channel_};
  }

  std::unique_ptr<grpc::ClientReader<ExportTabularDataResponse>> Export(
      grpc::ClientContext& context, const std::string& part) {
    ExportTabularDataRequest request;
    request.set_part_id(part);
    using Factory = grpc::internal::ClientReaderFactory<ExportTabularDataResponse>;
    return std::unique_ptr<grpc::ClientReader<ExportTabularDataResponse>>(Factory::Create(
        channel_.get(), Method("/test.Streams/Export", grpc::internal::RpcMethod::SERVER_STREAMING),
        &context, request));
  }
};

TEST_F(StreamsTest, MessagesOfAStreamArriveInOrderWithTheStatusLast) {
  Serve(std::make_unique<StreamsRpc>(gate_, 3));
  for (const char* part : {"p", "bad"}) {
    grpc::ClientContext context;
    const auto reader = Export(context, part);
    ExportTabularDataResponse response;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(reader->Read(&response));
      EXPECT_EQ(response.part_id(), part + std::to_string(i));
    }
    EXPECT_FALSE(reader->Read(&response));
    EXPECT_EQ(reader->Finish().error_code(),
              part == std::string("bad") ? grpc::StatusCode::NOT_FOUND : grpc::StatusCode::OK);
  }
  EXPECT_EQ(gate_.last_method.full_name, "/test.Streams/Export");
}

TEST_F(StreamsTest, AClientThatLeavesEndsTheStream) {
  constexpr int kMany = 10'000'000;
  auto service = std::make_unique<StreamsRpc>(gate_, kMany);
  StreamsRpc& streams = *service;
  Serve(std::move(service));
  {
    grpc::ClientContext context;
    const auto reader = Export(context, "p");
    ExportTabularDataResponse response;
    ASSERT_TRUE(reader->Read(&response));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  server_->Shutdown();  // returns when the handler has
  EXPECT_LT(streams.sent, kMany);
}

TEST_F(StreamsTest, AStreamOfTheClientIsReadToItsEnd) {
  Serve(std::make_unique<StreamsRpc>(gate_, 0));
  grpc::ClientContext context;
  FileUploadResponse response;
  using Factory = grpc::internal::ClientWriterFactory<FileUploadRequest>;
  const std::unique_ptr<grpc::ClientWriter<FileUploadRequest>> writer(Factory::Create(
      channel_.get(), Method("/test.Streams/Upload", grpc::internal::RpcMethod::CLIENT_STREAMING),
      &context, &response));
  FileUploadRequest request;
  request.mutable_file_contents()->set_data(std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer->Write(request));
  ASSERT_TRUE(writer->WritesDone());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(response.file_id(), "100000");
}

}  // namespace
}  // namespace bowerbird::serve
