// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/testing/fake_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/method_handler.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "kserve/inference.pb.h"

namespace bowerbird::infer::remote {
namespace {

class FakeService : public grpc::Service {
 public:
  explicit FakeService(FakeGrpcAnswers answers) : answers_(std::move(answers)) {
    Add<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
        "/inference.GRPCInferenceService/ModelMetadata",
        [this](const auto&, auto& response) { return answers_.describe(response); });
    Add<inference::ModelInferRequest, inference::ModelInferResponse>(
        "/inference.GRPCInferenceService/ModelInfer",
        [this](const auto& request, auto& response) { return answers_.infer(request, response); });
  }

 private:
  template <typename Request, typename Response, typename Answer>
  void Add(const char* name, Answer answer) {
    auto serve = [answer](FakeService*, grpc::ServerContext*, const Request* request,
                          Response* response) {
      const auto [code, message] = answer(*request, *response);
      return code == 0 ? grpc::Status::OK
                       : grpc::Status(static_cast<grpc::StatusCode>(code), message);
    };
    AddMethod(new grpc::internal::RpcServiceMethod(
        name, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<FakeService, Request, Response>(serve, this)));
  }

  const FakeGrpcAnswers answers_;
};

class GrpcPeer : public FakePeer {
 public:
  GrpcPeer(FakeGrpcAnswers answers, int port) : service_(std::move(answers)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                             &port_);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) std::abort();
  }
  ~GrpcPeer() override { server_->Shutdown(std::chrono::system_clock::now()); }
  int port() const override { return port_; }

 private:
  FakeService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// Until the end of the request's header and of the body that it announces.
std::string ReadRequest(int fd) {
  std::string request;
  char room[4096];
  for (;;) {
    const size_t end = request.find("\r\n\r\n");
    if (end != std::string::npos) {
      const size_t at = request.find("Content-Length: ");
      const size_t length = at < end ? std::strtoul(request.c_str() + at + 16, nullptr, 10) : 0;
      if (request.size() >= end + 4 + length) return request;
    }
    const ssize_t count = recv(fd, room, sizeof room, 0);
    if (count <= 0) return "";
    request.append(room, static_cast<size_t>(count));
  }
}

class HttpPeer : public FakePeer {
 public:
  explicit HttpPeer(std::function<std::string(const std::string&)> answer)
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0) std::abort();
    getsockname(listener_, generic, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
    pthread_setname_np(thread_.native_handle(), "http-peer");
  }
  ~HttpPeer() override {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    for (const int fd : hanging_) close(fd);
  }
  int port() const override { return port_; }

 private:
  void Serve() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::string request = ReadRequest(fd);
      const std::string answer = request.empty() ? "" : answer_(request);
      if (answer == "hang") {
        hanging_.push_back(fd);
        continue;
      }
      std::string_view rest = answer;
      while (!rest.empty()) {
        const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<size_t>(sent));
      }
      shutdown(fd, SHUT_WR);
      close(fd);
    }
  }

  const std::function<std::string(const std::string&)> answer_;
  const int listener_;
  int port_ = 0;
  std::vector<int> hanging_;  // of the thread
  std::thread thread_;
};

}  // namespace

std::unique_ptr<FakePeer> StartGrpcPeer(FakeGrpcAnswers answers, int port) {
  return std::make_unique<GrpcPeer>(std::move(answers), port);
}

std::unique_ptr<FakePeer> StartHttpPeer(std::function<std::string(const std::string&)> answer) {
  return std::make_unique<HttpPeer>(std::move(answer));
}

std::string HttpAnswerOf(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Connection: close\r\n" +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace bowerbird::infer::remote
