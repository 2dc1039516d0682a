// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this room: calls of any service, as bytes, and a server to call.
#pragma once

#include <memory>
#include <string>

#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/rpc/v1/auth.pb.h"
#include "serve/server.h"
#include "serve/test_peer.h"

namespace bowerbird::serve::test {

inline constexpr char kEcho[] = "/test.v1.EchoService/Echo";

inline grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

inline std::string TextOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  return buffer.Valid() && buffer.DumpToSingleSlice(&slice).ok()
             ? std::string(slice.begin(), slice.end())
             : std::string();
}

inline std::shared_ptr<grpc::Channel> Dial(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

// A call of any service, driven from one thread.
class AnyCall {
 public:
  AnyCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
          const Headers& metadata = {})
      : stub_(channel) {
    for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_ = stub_.PrepareCall(&context, method, &queue_);
    stream_->StartCall(this);
    Wait();
  }
  ~AnyCall() {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  bool Write(const std::string& message) {
    stream_->Write(Bytes(message), this);
    return Wait();
  }
  void WritesDone() {
    stream_->WritesDone(this);
    Wait();
  }
  std::string Read() {
    grpc::ByteBuffer message;
    stream_->Read(&message, this);
    return Wait() ? TextOf(message) : "<end>";
  }
  grpc::Status Finish() {
    grpc::Status status;
    stream_->Finish(&status, this);
    Wait();
    return status;
  }

  grpc::ClientContext context;

 private:
  bool Wait() {
    void* tag;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

struct Answer {
  grpc::Status status;
  std::string message;
};

inline Answer Unary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& message, const Headers& metadata = {}) {
  AnyCall call(channel, method, metadata);
  call.Write(message);
  call.WritesDone();
  Answer answer;
  answer.message = call.Read();
  answer.status = call.Finish();
  return answer;
}

class CallsTest : public testing::Test {
 protected:
  CallsTest() {
    options_.data_dir = folder_.path();
    options_.listen = {"127.0.0.1:0"};
  }
  void Start(const ForeignRouter* router = nullptr) {
    auto server = Server::Create(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    echo_ = std::make_unique<EchoRpc>(server_->admission());
    const absl::Status started = server_->Start({echo_.get()}, router);
    ASSERT_TRUE(started.ok()) << started;
    channel_ = Dial(server_->port());
  }
  // Credentials are needed from then on.
  void Configure(const std::string& id, const std::string& secret) {
    ASSERT_TRUE(server_->SetAuthHandlers({{"api-key", {{id, secret}}}}).ok());
  }
  Answer Authenticate(const std::string& id, const std::string& secret,
                      const std::string& type = "api-key", const Headers& metadata = {}) {
    proto::rpc::v1::AuthenticateRequest request;
    request.set_entity(id);
    request.mutable_credentials()->set_type(type);
    request.mutable_credentials()->set_payload(secret);
    Answer answer = Unary(channel_, "/proto.rpc.v1.AuthService/Authenticate",
                          request.SerializeAsString(), metadata);
    proto::rpc::v1::AuthenticateResponse response;
    if (response.ParseFromString(answer.message)) answer.message = response.access_token();
    return answer;
  }

  TempFolder folder_;
  ServerOptions options_;
  Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<EchoRpc> echo_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace bowerbird::serve::test
