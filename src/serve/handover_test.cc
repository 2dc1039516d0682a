// SPDX-License-Identifier: Apache-2.0
//
// What the port is built on, proven by itself: one grpc::Server without a port of its own serves
// synchronous calls, callback streams and generic calls side by side, on descriptors handed over
// with AddInsecureChannelFromFd, be they TCP sockets or one end of a socketpair (as under TLS).
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/ext/health_check_service_server_builder_option.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_posix.h"
#include "gtest/gtest.h"
#include "serve/rpc.h"

namespace bowerbird::serve {
namespace {

using google::protobuf::StringValue;

class PlainCall : public Call {
 public:
  Context& context() override { return context_; }
  const std::string& operation_id() const override { return none_; }
  const std::string& owner() const override { return none_; }
  const std::string& peer() const override { return none_; }
  std::string Metadata(const std::string&) const override { return ""; }
  void AddHeader(const std::string&, const std::string&) override {}

 private:
  Context context_;
  std::string none_;
};

class OpenAdmission : public Admission {
 public:
  grpc::Status Run(grpc::ServerContext&, const MethodInfo&, const std::string&,
                   const std::function<absl::Status(Call&)>& handler) override {
    PlainCall call;
    const absl::Status status = handler(call);
    return grpc::Status(static_cast<grpc::StatusCode>(status.code()), "");
  }
};

class EchoRpc : public RpcService {
 public:
  explicit EchoRpc(Admission& admission) : RpcService("test.Echo", admission) {
    Unary<StringValue, StringValue>("Say", [](Call&, const auto& request, auto& response) {
      response.set_value("sync " + request.value());
      return absl::OkStatus();
    });
  }
};

// Answers every message of an unknown call with the same bytes.
class GenericEcho : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    class Reactor : public grpc::ServerGenericBidiReactor {
     public:
      Reactor() { StartRead(&message_); }
      void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        StartWrite(&message_);
      }
      void OnWriteDone(bool ok) override {
        if (ok) StartRead(&message_);
      }
      void OnDone() override { delete this; }

     private:
      grpc::ByteBuffer message_;
    };
    return new Reactor;
  }
};

grpc::ByteBuffer Bytes(const std::string& text) {
  grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return "<no bytes>";
  for (const auto& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

// A stream driven from one thread.
class Stream {
 public:
  Stream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method)
      : stub_(channel) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_ = stub_.PrepareCall(&context_, method, &queue_);
    stream_->StartCall(this);
    Wait();
  }
  ~Stream() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  bool Write(const std::string& text) {
    stream_->Write(Bytes(text), this);
    return Wait();
  }
  std::string Read() {
    grpc::ByteBuffer message;
    stream_->Read(&message, this);
    return Wait() ? Text(message) : "<end>";
  }
  grpc::Status Finish() {
    stream_->WritesDone(this);
    Wait();
    grpc::Status status;
    stream_->Finish(&status, this);
    Wait();
    return status;
  }

 private:
  bool Wait() {
    void* tag;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

class HandOver : public testing::Test {
 protected:
  HandOver() : echo_(admission_) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.RegisterService(&echo_);
    builder.RegisterCallbackGenericService(&generic_);
    server_ = builder.BuildAndStart();
    server_->GetHealthCheckService()->SetServingStatus(true);
  }
  ~HandOver() override {
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    grpc::EnableDefaultHealthCheckService(false);
  }

  void GiveToServer(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    grpc::AddInsecureChannelFromFd(server_.get(), fd);
  }

  // One end of the pair for the server, the other for the client.
  static std::pair<int, int> UnixPair() {
    int pair[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    return {pair[0], pair[1]};
  }

  static std::pair<int, int> TcpPair() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), size), 0);
    const int server = accept(listener, nullptr, nullptr);
    close(listener);
    const int on = 1;  // gRPC writes a call in pieces: with Nagle each waits 40 ms for an ACK
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return {server, client};
  }

  std::shared_ptr<grpc::Channel> Client(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return grpc::CreateInsecureChannelFromFd("test", fd);
  }

  void ExpectAllThreeKindsServed(const std::shared_ptr<grpc::Channel>& channel) {
    Stream watch(channel, "/grpc.health.v1.Health/Watch");
    ASSERT_TRUE(watch.Write(""));
    EXPECT_EQ(watch.Read(), "\x08\x01");  // status: SERVING

    Stream generic(channel, "/nobody.Knows/This");
    ASSERT_TRUE(generic.Write("one"));
    EXPECT_EQ(generic.Read(), "one");

    Stream sync(channel, "/test.Echo/Say");
    StringValue request;
    request.set_value("hello");
    ASSERT_TRUE(sync.Write(request.SerializeAsString()));
    StringValue response;
    ASSERT_TRUE(response.ParseFromString(sync.Read()));
    EXPECT_EQ(response.value(), "sync hello");
    EXPECT_TRUE(sync.Finish().ok());

    ASSERT_TRUE(generic.Write("two"));
    EXPECT_EQ(generic.Read(), "two");
    EXPECT_TRUE(generic.Finish().ok());

    // The callback stream is alive all the while: a change reaches it.
    server_->GetHealthCheckService()->SetServingStatus(false);
    EXPECT_EQ(watch.Read(), "\x08\x02");  // NOT_SERVING
    server_->GetHealthCheckService()->SetServingStatus(true);
    EXPECT_EQ(watch.Read(), "\x08\x01");
  }

  OpenAdmission admission_;
  EchoRpc echo_;
  GenericEcho generic_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(HandOver, ServesSyncCallbackAndGenericCallsOnATcpSocket) {
  const auto [server, client] = TcpPair();
  GiveToServer(server);
  ExpectAllThreeKindsServed(Client(client));
}

TEST_F(HandOver, ServesSyncCallbackAndGenericCallsOnASocketPair) {
  const auto [server, client] = UnixPair();
  GiveToServer(server);
  ExpectAllThreeKindsServed(Client(client));
}

TEST_F(HandOver, ServesSyncCallbackAndGenericCallsInProcess) {
  ExpectAllThreeKindsServed(server_->InProcessChannel(grpc::ChannelArguments()));
}

TEST_F(HandOver, ServesManyDescriptorsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (int i = 0; i < 8; ++i) {
    const auto [server, client] = i % 2 == 0 ? TcpPair() : UnixPair();
    GiveToServer(server);
    threads.emplace_back([&answered, channel = Client(client)] {
      for (int call = 0; call < 25; ++call) {
        Stream sync(channel, "/test.Echo/Say");
        StringValue response;
        if (sync.Write("") && response.ParseFromString(sync.Read()) &&
            response.value() == "sync " && sync.Finish().ok())
          ++answered;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
}

}  // namespace
}  // namespace bowerbird::serve
