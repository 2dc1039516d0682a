// SPDX-License-Identifier: Apache-2.0
//
// The server as clients meet it: every protocol at one port, in clear text and under TLS.
#include "serve/server.h"

#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "gtest/gtest.h"
#include "serve/api_keys.h"
#include "serve/test_peer.h"

namespace bowerbird::serve {
namespace {

using google::protobuf::Int32Value;
using google::protobuf::StringValue;
using testing::HasSubstr;
using namespace test;  // NOLINT: the tools of these tests

class ServerTest : public testing::TestWithParam<bool> {
 protected:
  ServerTest() : certificate_(folder_) {
    options_.data_dir = folder_.path() + "/data";
    options_.listen = {"127.0.0.1:0"};
    if (GetParam()) {
      options_.tls_certificate_file = certificate_.certificate_file;
      options_.tls_key_file = certificate_.key_file;
    }
  }

  void Start() {
    auto server = Server::Create(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    echo_ = std::make_unique<EchoRpc>(server_->admission());
    const absl::Status started = server_->Start({echo_.get()}, nullptr);
    ASSERT_TRUE(started.ok()) << started;
  }

  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetMaxSendMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = certificate_.pem;
    const auto credentials =
        GetParam() ? grpc::SslCredentials(tls) : grpc::InsecureChannelCredentials();
    return grpc::CreateCustomChannel("localhost:" + std::to_string(server_->port()), credentials,
                                     arguments);
  }

  template <typename Request, typename Response = StringValue>
  static grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                           const Request& request, Response& response,
                           grpc::ClientContext& context) {
    const std::string name = "/test.v1.EchoService/" + method;
    const grpc::internal::RpcMethod rpc(name.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    return grpc::internal::BlockingUnaryCall<Request, Response>(channel.get(), rpc, &context,
                                                                request, &response);
  }

  static StringValue Text(const std::string& text) {
    StringValue value;
    value.set_value(text);
    return value;
  }

  std::unique_ptr<RawClient> Raw(const std::string& alpn = "http/1.1") const {
    return std::make_unique<RawClient>(server_->port(), GetParam(), alpn);
  }

  TempFolder folder_;
  TestCertificate certificate_;
  ServerOptions options_;
  Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<EchoRpc> echo_;
};

INSTANTIATE_TEST_SUITE_P(Port, ServerTest, testing::Values(false, true),
                         [](const auto& kind) { return kind.param ? "Tls" : "ClearText"; });

TEST_P(ServerTest, AnswersGrpcAndGrpcWebAndHttpAtOnePort) {
  folder_.Write("web/index.html", "<p>page");
  options_.static_root = folder_.path() + "/web";
  Start();

  grpc::ClientContext context;
  StringValue response;
  const grpc::Status status = Call(Channel(), "Echo", Text("over h2"), response, context);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.value(), "over h2");
  EXPECT_EQ(context.GetServerInitialMetadata().count("opid"), 1u);

  const auto client = Raw();
  const RawResponse web = CallGrpcWeb(*client, "/test.v1.EchoService/Echo", StringMessage("web"));
  EXPECT_EQ(web.status, 200);
  EXPECT_EQ(web.Header("content-type"), "application/grpc-web+proto");
  const auto frames = Frames(web.body);
  ASSERT_EQ(frames.size(), 2u) << web.body;
  EXPECT_EQ(StringOf(frames[0]), "web");
  EXPECT_THAT(frames[1], HasSubstr("grpc-status: 0\r\n"));

  client->Send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const RawResponse page = ReceiveResponse(*client);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "<p>page");
  EXPECT_THAT(page.Header("content-security-policy"), HasSubstr("worker-src 'self' blob:"));
}

TEST_P(ServerTest, CarriesMetadataBothWaysOverGrpcWeb) {
  Start();
  const auto client = Raw();
  const RawResponse response = CallGrpcWeb(*client, "/test.v1.EchoService/Echo", StringMessage("m"),
                                           "x-sent: plain text\r\nx-sent-bin: AAH/\r\n");
  EXPECT_EQ(response.Header("x-seen"), "plain text");
  EXPECT_EQ(response.Header("x-seen-bin"), "AAH/");
  EXPECT_EQ(response.Header("opid").size(), 36u);
}

TEST_P(ServerTest, ReportsErrorsInTrailersWithHttpStatus200) {
  Start();
  const auto client = Raw();
  Int32Value code;
  code.set_value(5);
  const RawResponse failed =
      CallGrpcWeb(*client, "/test.v1.EchoService/Fail", code.SerializeAsString());
  EXPECT_EQ(failed.status, 200);
  ASSERT_EQ(Frames(failed.body).size(), 1u);
  EXPECT_EQ(Frames(failed.body)[0], "grpc-status: 5\r\ngrpc-message: as ordered: 100 %25%0A\r\n");

  const RawResponse unknown = CallGrpcWeb(*client, "/no.Such/Call", "");
  EXPECT_EQ(unknown.status, 200);
  EXPECT_THAT(Frames(unknown.body).at(0), HasSubstr("grpc-status: 12"));
  EXPECT_THAT(Frames(unknown.body).at(0), HasSubstr("no.Such"));

  const std::string cut = Framed(StringMessage("cut")).substr(0, 7);
  client->Send(GrpcWebRequestHead("/test.v1.EchoService/Echo", cut.size()) + cut);
  const RawResponse malformed = ReceiveResponse(*client);
  EXPECT_EQ(malformed.status, 200);
  EXPECT_THAT(Frames(malformed.body).at(0), HasSubstr("grpc-status: 3"));
}

TEST_P(ServerTest, TakesMessagesUpTo32MiBAndRefusesLargerOnes) {
  Start();
  const auto channel = Channel();
  const size_t fits = size_t{31} << 20;
  {
    grpc::ClientContext context;
    StringValue response;
    const auto status = Call(channel, "Echo", Text(std::string(fits, 'a')), response, context);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.value().size(), fits);
  }
  {
    grpc::ClientContext context;
    StringValue response;
    const auto status =
        Call(channel, "Echo", Text(std::string(size_t{33} << 20, 'a')), response, context);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  const auto client = Raw();
  const RawResponse web =
      CallGrpcWeb(*client, "/test.v1.EchoService/Echo", StringMessage(std::string(fits, 'b')));
  ASSERT_EQ(Frames(web.body).size(), 2u);
  EXPECT_EQ(StringOf(Frames(web.body)[0]).size(), fits);

  const auto second = Raw();
  second->Send(GrpcWebRequestHead("/test.v1.EchoService/Echo", size_t{33} << 20));
  EXPECT_EQ(ReceiveResponse(*second).status, 413);
}

TEST_P(ServerTest, EndsCallsAtTheirDeadline) {
  Start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  StringValue response;
  EXPECT_EQ(Call(Channel(), "Wait", Text(""), response, context).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);

  const auto client = Raw();
  const RawResponse web =
      CallGrpcWeb(*client, "/test.v1.EchoService/Wait", "", "grpc-timeout: 100m\r\n");
  EXPECT_THAT(Frames(web.body).at(0), HasSubstr("grpc-status: 4"));
  EXPECT_TRUE(Eventually([this] { return echo_->waiting == 0; }));
}

TEST_P(ServerTest, CancelsACallWhenTheGrpcWebClientGoesAway) {
  Start();
  auto client = Raw();
  const std::string body = Framed("");
  client->Send(GrpcWebRequestHead("/test.v1.EchoService/Wait", body.size()) + body);
  ASSERT_TRUE(Eventually([this] { return echo_->waiting == 1; }));
  client.reset();
  EXPECT_TRUE(Eventually([this] { return echo_->waiting == 0; }));
}

TEST_P(ServerTest, CancelsACallWhenAnOperatorCancelsItsOperation) {
  Start();
  grpc::Status status;
  std::thread caller([&, channel = Channel()] {
    grpc::ClientContext context;
    StringValue response;
    status = Call(channel, "Wait", Text(""), response, context);
  });
  ASSERT_TRUE(Eventually([this] { return echo_->waiting == 1; }));
  const auto operations = server_->operations().List();
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_EQ(operations[0].method, "/test.v1.EchoService/Wait");
  EXPECT_THAT(operations[0].peer, HasSubstr("127.0.0.1:"));
  EXPECT_TRUE(server_->operations().Cancel(operations[0].id));
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([this] { return server_->operations().List().empty(); }));
}

TEST_P(ServerTest, ServesTwoHundredCallsAtOnceOverBothProtocols) {
  Start();
  const auto channel = Channel();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 200; ++i) {
    threads.emplace_back([&, i] {
      const std::string text = "call " + std::to_string(i);
      if (i % 2 == 0) {
        grpc::ClientContext context;
        StringValue response;
        if (Call(channel, "Echo", Text(text), response, context).ok() && response.value() == text)
          ++right;
      } else {
        const auto client = Raw();
        const RawResponse web =
            CallGrpcWeb(*client, "/test.v1.EchoService/Echo", StringMessage(text));
        if (!Frames(web.body).empty() && StringOf(Frames(web.body)[0]) == text) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

TEST_P(ServerTest, LeavesNoDescriptorAndNoThreadBehind) {
  const auto round = [this] {
    Start();
    {
      grpc::ClientContext context;
      StringValue response;
      EXPECT_TRUE(Call(Channel(), "Echo", Text("x"), response, context).ok());
    }
    const auto idle = Raw();
    const auto half = Raw();
    half->Send("GET / HTT");
    CallGrpcWeb(*idle, "/test.v1.EchoService/Echo", StringMessage("y"));
    server_->Stop(std::chrono::milliseconds(500));
    server_.reset();
  };
  round();  // gRPC and OpenSSL open some descriptors once for all
  ASSERT_TRUE(Eventually([] { return OpenDescriptors() < 100; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const size_t descriptors = OpenDescriptors();
  const size_t threads = ThreadCount();
  for (int i = 0; i < 5; ++i) round();
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors() <= descriptors; }))
      << OpenDescriptors() << " instead of " << descriptors;
  // gRPC's own pools breathe; ours must not add up.
  EXPECT_TRUE(Eventually([&] { return ThreadCount() <= threads + 4; }))
      << ThreadCount() << " instead of " << threads;
}

TEST_P(ServerTest, StopsWithinItsGraceThoughACallRunsForEver) {
  Start();
  grpc::Status status;
  std::thread caller([&, channel = Channel()] {
    grpc::ClientContext context;
    StringValue response;
    status = Call(channel, "Wait", Text(""), response, context);
  });
  ASSERT_TRUE(Eventually([this] { return echo_->waiting == 1; }));
  const auto web = Raw();
  const std::string body = Framed("");
  web->Send(GrpcWebRequestHead("/test.v1.EchoService/Wait", body.size()) + body);
  ASSERT_TRUE(Eventually([this] { return echo_->waiting == 2; }));
  const auto start = std::chrono::steady_clock::now();
  server_->Stop(std::chrono::milliseconds(300));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  caller.join();
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace bowerbird::serve
