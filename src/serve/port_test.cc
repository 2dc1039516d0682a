// SPDX-License-Identifier: Apache-2.0
//
// The port against peers that are hostile, broken, slow or old.
#include "serve/port.h"

#include <sys/un.h>

#include <random>

#include "base/sanitized.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "serve/server.h"
#include "serve/test_peer.h"

namespace bowerbird::serve {
namespace {

using testing::HasSubstr;
using namespace test;  // NOLINT: the tools of these tests

class PortTest : public testing::Test {
 protected:
  PortTest() {
    options_.data_dir = folder_.path() + "/data";
    options_.listen = {"127.0.0.1:0"};
  }
  void Start() {
    auto server = Server::Create(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    echo_ = std::make_unique<EchoRpc>(server_->admission());
    const absl::Status started = server_->Start({echo_.get()}, nullptr);
    ASSERT_TRUE(started.ok()) << started;
  }
  void UseTls() {
    const TestCertificate certificate(folder_);
    options_.tls_certificate_file = certificate.certificate_file;
    options_.tls_key_file = certificate.key_file;
  }
  bool Answers() {
    RawClient client(server_->port());
    const RawResponse response =
        CallGrpcWeb(client, "/test.v1.EchoService/Echo", StringMessage("alive"));
    const auto frames = Frames(response.body);
    return frames.size() == 2 && StringOf(frames[0]) == "alive";
  }
  RawResponse Get(const std::string& target, const std::string& headers = "") {
    RawClient client(server_->port());
    client.Send("GET " + target + " HTTP/1.1\r\nhost: localhost\r\n" + headers + "\r\n");
    return ReceiveResponse(client);
  }

  TempFolder folder_;
  ServerOptions options_;
  Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<EchoRpc> echo_;
};

TEST_F(PortTest, SurvivesTenThousandConnectionsWithGarbage) {
  Start();
  ASSERT_TRUE(Answers());
  std::mt19937 random(1);
  const std::vector<std::string> openings = {"",
                                             "PRI",
                                             "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                             "GET ",
                                             "POST /a/b HTTP/1.1\r\n",
                                             "\x16\x03\x01\x02",
                                             GrpcWebRequestHead("/test.v1.EchoService/Echo", 1000)};
  size_t descriptors = 0, memory = 0;
  for (int i = 0; i < 10'000; ++i) {
    RawClient client(server_->port());
    std::string bytes = openings[random() % openings.size()];
    const size_t size = random() % 200;
    for (size_t k = 0; k < size; ++k) bytes += static_cast<char>(random());
    client.Send(bytes);
    if (i % 4 == 0) shutdown(client.fd(), SHUT_WR);
    if (i == 1000) {
      ASSERT_TRUE(Eventually([] { return OpenDescriptors() < 60; }));
      descriptors = OpenDescriptors();
      memory = ResidentBytes();
    }
  }
  EXPECT_TRUE(Answers());
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors() <= descriptors; }))
      << OpenDescriptors() << " descriptors instead of " << descriptors;
  const size_t allowed = Sanitized() ? SIZE_MAX : memory + (size_t{16} << 20);
  EXPECT_LT(ResidentBytes(), allowed);
}

TEST_F(PortTest, ClosesConnectionsThatSayTooLittle) {
  options_.header_timeout = std::chrono::milliseconds(300);
  Start();
  RawClient silent(server_->port());
  RawClient preface(server_->port());
  preface.Send("PR");
  RawClient header(server_->port());
  std::atomic<bool> stop{false};
  std::thread drip([&] {  // a byte now and then does not help
    const std::string text = "GET / HTTP/1.1\r\nx-drip: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (size_t i = 0; i < text.size() && !stop; ++i) {
      if (!header.Send(text.substr(i, 1))) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(silent.ReceiveAll(), "");
  EXPECT_EQ(preface.ReceiveAll(), "");
  EXPECT_EQ(header.ReceiveAll(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  stop = true;
  drip.join();
}

TEST_F(PortTest, ClosesABodyThatStalls) {
  options_.stall_timeout = std::chrono::milliseconds(200);
  options_.header_timeout = std::chrono::milliseconds(400);
  Start();
  RawClient client(server_->port());
  client.Send(GrpcWebRequestHead("/test.v1.EchoService/Echo", 100) + "half");
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(PortTest, DropsHttp2PeersThatStopAnsweringPings) {
  options_.keepalive = std::chrono::milliseconds(300);
  Start();
  RawClient client(server_->port());
  client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  client.Send(std::string("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS, and then never a word
  const auto start = std::chrono::steady_clock::now();
  client.ReceiveAll();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

TEST_F(PortTest, ClosesIdleConnections) {
  options_.idle_timeout = std::chrono::milliseconds(200);
  Start();
  RawClient client(server_->port());
  CallGrpcWeb(client, "/test.v1.EchoService/Echo", "");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_F(PortTest, ClosesConnectionsBeyondTheLimitAndRecovers) {
  options_.max_connections = 8;
  Start();
  {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 7; ++i) {
      clients.push_back(std::make_unique<RawClient>(server_->port()));
      CallGrpcWeb(*clients.back(), "/test.v1.EchoService/Echo", "");
    }
    RawClient http2(server_->port());
    http2.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    ASSERT_FALSE(http2.ReceiveSome().empty());
    RawClient refused(server_->port());
    EXPECT_EQ(refused.ReceiveAll(), "");
    // Counted on the port's thread, which may come to it after the client has seen the end.
    EXPECT_TRUE(Eventually(
        [this] { return metrics_.Text().find("kind=\"refused\"") != std::string::npos; }));
  }
  EXPECT_TRUE(Eventually([this] { return Answers(); }));
}

TEST_F(PortTest, AnswersAClientThatHasFinishedSending) {
  Start();
  RawClient client(server_->port());
  client.Send("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  shutdown(client.fd(), SHUT_WR);
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("{\"status\":\"ok\"}"));
}

TEST_F(PortTest, AnswersPipelinedRequestsInOrder) {
  Start();
  RawClient client(server_->port());
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const std::string body = Framed(StringMessage(std::to_string(i)));
    all += GrpcWebRequestHead("/test.v1.EchoService/Echo", body.size()) + body;
    all += "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
  }
  client.Send(all);
  for (int i = 0; i < 20; ++i) {
    const auto frames = Frames(ReceiveResponse(client).body);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(StringOf(frames[0]), std::to_string(i));
    EXPECT_EQ(ReceiveResponse(client).status, 200);
  }
}

TEST_F(PortTest, AnswersHttp10WithoutChunks) {
  Start();
  RawClient client(server_->port());
  const std::string body = Framed(StringMessage("old"));
  client.Send(
      "POST /test.v1.EchoService/Echo HTTP/1.0\r\ncontent-type: application/grpc-web\r\n"
      "content-length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::string answer = client.ReceiveAll();
  const auto frames = Frames(answer.substr(answer.find("\r\n\r\n") + 4));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(StringOf(frames[0]), "old");
}

TEST_F(PortTest, TakesChunkedBodiesTextBodiesAndExpectContinue) {
  Start();
  const std::string body = Framed(StringMessage("chunked"));
  RawClient client(server_->port());
  char size[16];
  snprintf(size, sizeof(size), "%zx\r\n", body.size());
  client.Send(
      "POST /test.v1.EchoService/Echo HTTP/1.1\r\nhost: x\r\n"
      "content-type: application/grpc-web+proto\r\ntransfer-encoding: chunked\r\n\r\n");
  client.Send(size + body + "\r\n0\r\n\r\n");
  EXPECT_EQ(StringOf(Frames(ReceiveResponse(client).body).at(0)), "chunked");

  const std::string text = "AAAAAAYKBHRleHQ=";  // the frame of StringMessage("text")
  client.Send(
      "POST /test.v1.EchoService/Echo HTTP/1.1\r\nhost: x\r\n"
      "content-type: application/grpc-web-text\r\ncontent-length: " +
      std::to_string(text.size()) + "\r\n\r\n" + text);
  const RawResponse response = ReceiveResponse(client);
  EXPECT_EQ(response.Header("content-type"), "application/grpc-web-text+proto");
  const auto decoded = DecodeGrpcWebText(response.body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(StringOf(Frames(*decoded).at(0)), "text");

  client.Send(
      GrpcWebRequestHead("/test.v1.EchoService/Echo", body.size(), "expect: 100-continue\r\n"));
  EXPECT_EQ(client.ReceiveUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send(body);
  EXPECT_EQ(StringOf(Frames(ReceiveResponse(client).body).at(0)), "chunked");
}

TEST_F(PortTest, RefusesWhatItCannotParse) {
  Start();
  const auto status_of = [this](const std::string& bytes) {
    RawClient client(server_->port());
    client.Send(bytes);
    return ReceiveResponse(client).status;
  };
  EXPECT_EQ(status_of("NONSENSE\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nbad header\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nx: " + std::string(200'000, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n"), 413);
  EXPECT_EQ(status_of("DELETE / HTTP/1.1\r\nhost: x\r\n\r\n"), 405);
  EXPECT_EQ(status_of("POST /a/b HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"), 405);
  EXPECT_EQ(status_of(GrpcWebRequestHead("/no/such/path", 0)), 404);
  EXPECT_TRUE(Answers());
}

TEST_F(PortTest, ReportsHealthAndMetrics) {
  Start();
  EXPECT_EQ(Get("/healthz").status, 200);
  server_->SetServing(false);
  EXPECT_EQ(Get("/healthz").status, 503);
  server_->SetServing(true);
  ASSERT_TRUE(Answers());
  const RawResponse metrics = Get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.body, HasSubstr("bowerbird_rpc_total{code=\"OK\",method=\"/test.v1."
                                      "EchoService/Echo\"} 1"));
  EXPECT_THAT(metrics.body, HasSubstr("bowerbird_rpc_seconds_bucket"));
}

TEST_F(PortTest, ServesAUnixSocketAndRemovesIt) {
  const std::string path = folder_.path() + "/port.sock";
  options_.listen = {"unix:" + path};
  Start();
  grpc::GenericStub stub(grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const std::string message = StringMessage("unix");
  grpc::Slice slice(message);
  const grpc::ByteBuffer request(&slice, 1);
  auto call = stub.PrepareUnaryCall(&context, "/test.v1.EchoService/Owner", request, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, this);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok()) << status.error_message();
  grpc::Slice answer;
  ASSERT_TRUE(response.DumpToSingleSlice(&answer).ok());
  EXPECT_EQ(StringOf(std::string(answer.begin(), answer.end())), "@unix");
  server_->Stop(std::chrono::milliseconds(100));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(PortTest, SaysWhoHasThePort) {
  Start();
  ServerOptions second = options_;
  second.listen = {"127.0.0.1:" + std::to_string(server_->port())};
  Metrics metrics;
  auto server = Server::Create(second, metrics);
  ASSERT_TRUE(server.ok());
  const absl::Status status = (*server)->Start({}, nullptr);
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(second.listen[0]));
}

TEST_F(PortTest, BindsBothFamiliesOfLocalhostAtOnePort) {
  options_.listen = {"localhost:0"};
  Start();
  EXPECT_NE(server_->port(), 0);
  EXPECT_TRUE(Answers());
}

TEST_F(PortTest, WithACertificateServesNothingInClearText) {
  UseTls();
  Start();
  RawClient http(server_->port());
  http.Send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(http.ReceiveAll(), "");
  RawClient http2(server_->port());
  http2.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(http2.ReceiveAll(), "");
}

TEST_F(PortTest, ChoosesTheProtocolByAlpnAndWithoutItByTheFirstBytes) {
  UseTls();
  Start();
  EXPECT_EQ(RawClient(server_->port(), true, "h2").protocol(), "h2");
  EXPECT_EQ(RawClient(server_->port(), true, "http/1.1").protocol(), "http/1.1");
  EXPECT_FALSE(RawClient(server_->port(), true, "spdy/1").connected());
  RawClient plain(server_->port(), true, "");
  plain.Send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(ReceiveResponse(plain).status, 200);
  RawClient http2(server_->port(), true, "");
  http2.Send("PR");
  http2.Send("I * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_FALSE(http2.ReceiveSome().empty());
}

TEST_F(PortTest, SurvivesBrokenHandshakes) {
  UseTls();
  options_.header_timeout = std::chrono::milliseconds(300);
  Start();
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    RawClient client(server_->port());
    std::string bytes = "\x16\x03\x01";
    for (size_t k = random() % 300; k > 0; --k) bytes += static_cast<char>(random());
    client.Send(bytes);
  }
  RawClient stalled(server_->port());
  stalled.Send("\x16");
  EXPECT_LT(stalled.ReceiveAll().size(), 100u);
  RawClient client(server_->port(), true);
  CallGrpcWeb(client, "/test.v1.EchoService/Echo", StringMessage("alive"));
}

TEST(TlsFiles, FaultsAreNamed) {
  TempFolder folder;
  const TestCertificate one(folder, "one");
  const TestCertificate two(folder, "two");
  const auto message = [](const std::string& certificate, const std::string& key) {
    return std::string(LoadServerTls(certificate, key).status().message());
  };
  EXPECT_TRUE(LoadServerTls(one.certificate_file, one.key_file).ok());
  EXPECT_THAT(message(one.certificate_file, ""), HasSubstr("--tls-key"));
  EXPECT_THAT(message("/no/such.crt", one.key_file), HasSubstr("/no/such.crt"));
  EXPECT_THAT(message(one.certificate_file, "/no/such.key"), HasSubstr("/no/such.key"));
  EXPECT_THAT(message(one.key_file, one.key_file), HasSubstr("PEM"));
  EXPECT_THAT(message(one.certificate_file, two.key_file), HasSubstr("two.key"));
}

TEST(ListenAddress, TakesTheDocumentedFormsAndNoOther) {
  EXPECT_EQ(ListenAddress::Parse("127.0.0.1:8080")->ToString(), "127.0.0.1:8080");
  EXPECT_EQ(ListenAddress::Parse("[::1]:1")->ToString(), "[::1]:1");
  EXPECT_EQ(ListenAddress::Parse(":0")->ToString(), ":0");
  EXPECT_EQ(ListenAddress::Parse("unix:/a/b")->ToString(), "unix:/a/b");
  for (const char* bad : {"", "8080", "host", "host:", "host:99999", "::1:80", "[::1:80",
                          "unix:", "host:80x", "host:-1"})
    EXPECT_TRUE(absl::IsInvalidArgument(ListenAddress::Parse(bad).status())) << bad;
  EXPECT_TRUE(*ListenAddress::Parse("localhost:80")->IsLoopback());
  EXPECT_TRUE(*ListenAddress::Parse("127.9.9.9:80")->IsLoopback());
  EXPECT_TRUE(*ListenAddress::Parse("unix:/a")->IsLoopback());
  EXPECT_FALSE(*ListenAddress::Parse(":80")->IsLoopback());
  EXPECT_FALSE(*ListenAddress::Parse("0.0.0.0:80")->IsLoopback());
  EXPECT_FALSE(*ListenAddress::Parse("[::]:80")->IsLoopback());
}

}  // namespace
}  // namespace bowerbird::serve
