// SPDX-License-Identifier: Apache-2.0
//
// What happens to calls on their way: credentials, sessions, reflection, health, streams.
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "gtest/gtest.h"
#include "serve/api_keys.h"
#include "serve/test_calls.h"

namespace bowerbird::serve {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace test;  // NOLINT: the tools of these tests

TEST_F(CallsTest, NeedATokenOnceAuthenticationIsConfigured) {
  Start();
  EXPECT_TRUE(Unary(channel_, kEcho, StringMessage("a")).status.ok());
  Configure("part", "s3cret");
  const Answer refused = Unary(channel_, kEcho, StringMessage("a"));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(refused.status.error_message(), "authentication required");
  const Answer token = Authenticate("part", "s3cret");
  ASSERT_TRUE(token.status.ok()) << token.status.error_message();
  const Headers bearer = {{"authorization", "Bearer " + token.message}};
  const Answer owner = Unary(channel_, "/test.v1.EchoService/Owner", "", bearer);
  EXPECT_THAT(StringOf(owner.message), HasSubstr("part@127.0.0.1:"));

  RawClient web(server_->port());
  const RawResponse over_web = CallGrpcWeb(web, "/test.v1.EchoService/Owner", "",
                                           "authorization: Bearer " + token.message + "\r\n");
  EXPECT_THAT(StringOf(Frames(over_web.body).at(0)), HasSubstr("part@127.0.0.1:"));
  EXPECT_THAT(Frames(CallGrpcWeb(web, kEcho, "").body).at(0), HasSubstr("grpc-status: 16"));

  Configure("part", "another");
  EXPECT_EQ(Unary(channel_, kEcho, "", bearer).status.error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(metrics_.Text(), HasSubstr("code=\"UNAUTHENTICATED\",method=\"/test.v1."));
}

TEST_F(CallsTest, AuthenticateAnswersWithTheCodesOfTheWire) {
  Start();
  Configure("part", "s3cret");
  const Answer wrong = Authenticate("part", "guess");
  EXPECT_EQ(wrong.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(wrong.status.error_message(), "invalid credentials");
  EXPECT_EQ(Authenticate("part", "s3cret", "password").status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Authenticate("part", "s3cret", "api-key", {{"authorization", "Bearer x"}})
                .status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CallsTest, AServerThatOthersCanReachDoesNotStartWithoutKeys) {
  options_.listen = {"0.0.0.0:0"};
  auto server = Server::Create(options_, metrics_);
  ASSERT_TRUE(server.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*server)->Start({}, nullptr)));
  ASSERT_TRUE(ApiKeyFile(folder_.path()).Create("laptop").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*server)->Start({}, nullptr))) << "no TLS";
  options_.insecure = true;
  Start();
  EXPECT_EQ(Unary(channel_, kEcho, "").status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(CallsTest, FailInASessionThatExpired) {
  Start();
  const Answer answer = Unary(channel_, kEcho, "", {{"viam-sid", "gone"}});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.status.error_message(), "SESSION_EXPIRED");
  const auto session = server_->sessions().Start("", "", "");
  EXPECT_TRUE(Unary(channel_, kEcho, "", {{"viam-sid", session->id}}).status.ok());
}

TEST_F(CallsTest, ReflectionListsServicesAndTheirFilesInBothVersions) {
  using grpc::reflection::v1::ServerReflectionRequest;
  using grpc::reflection::v1::ServerReflectionResponse;
  Start();
  for (const std::string version : {"v1", "v1alpha"}) {
    AnyCall call(channel_,
                 "/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo");
    ServerReflectionRequest request;
    request.set_list_services("");
    call.Write(request.SerializeAsString());
    ServerReflectionResponse response;
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    std::vector<std::string> names;
    for (const auto& service : response.list_services_response().service())
      names.push_back(service.name());
    EXPECT_THAT(names, Contains("test.v1.EchoService"));
    EXPECT_THAT(names, Contains("proto.rpc.v1.AuthService"));

    request.set_file_containing_symbol("proto.rpc.v1.AuthService");
    call.Write(request.SerializeAsString());
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(response.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.package(), "proto.rpc.v1");

    request.set_file_containing_symbol("no.Such");
    call.Write(request.SerializeAsString());
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    EXPECT_EQ(response.error_response().error_code(), 5);
    call.WritesDone();
    EXPECT_EQ(call.Read(), "<end>");
    EXPECT_TRUE(call.Finish().ok());
  }
  Configure("part", "s3cret");
  EXPECT_EQ(Unary(channel_, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "")
                .status.error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(CallsTest, HealthIsToldToEverybody) {
  Start();
  Configure("part", "s3cret");
  EXPECT_EQ(Unary(channel_, "/grpc.health.v1.Health/Check", "").message, "\x08\x01");
  server_->SetServing(false);
  EXPECT_EQ(Unary(channel_, "/grpc.health.v1.Health/Check", "").message, "\x08\x02");
}

TEST_F(CallsTest, StreamOverGrpcWebMessageByMessage) {
  Start();
  RawClient client(server_->port());
  const std::string body = Framed("");
  client.Send(GrpcWebRequestHead("/grpc.health.v1.Health/Watch", body.size()) + body);
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), HasSubstr("transfer-encoding: chunked"));
  const auto next = [&client] {
    client.ReceiveUntil("\r\n");
    const std::string frame = client.ReceiveExactly(7);
    client.ReceiveUntil("\r\n");
    return frame.substr(5);
  };
  EXPECT_EQ(next(), "\x08\x01");
  server_->SetServing(false);
  EXPECT_EQ(next(), "\x08\x02");
  server_->SetServing(true);
  EXPECT_EQ(next(), "\x08\x01");
}

}  // namespace
}  // namespace bowerbird::serve
