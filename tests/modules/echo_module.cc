// SPDX-License-Identifier: Apache-2.0
//
// A module in C++, without any SDK: test:cpp:echo of the API acme:component:echo, whose calls
// answer with the bytes that they were sent, once (Echo) or until the caller has sent all (Stream).
// Tests and the bench of modules start it.
//
// usage: echo_module ADDRESS [--log-level=...] [--tcp-mode]
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "module/v1/module.pb.h"

namespace {

using Message = google::protobuf::Message;

constexpr int kMaxMessage = 64 << 20;

// The answer to a call of ModuleService, or nothing for what is only echoed.
bool AnswerAsModule(const std::string& method, grpc::ByteBuffer& answer) {
  const auto write = [&answer](const Message& message) {
    answer.Clear();
    bool own = false;
    return grpc::SerializationTraits<Message>::Serialize(message, &answer, &own).ok();
  };
  const std::string service = "/viam.module.v1.ModuleService/";
  if (method == service + "Ready") {
    viam::module::v1::ReadyResponse ready;
    ready.set_ready(true);
    auto& handler = *ready.mutable_handlermap()->add_handlers();
    handler.add_models("test:cpp:echo");
    handler.mutable_subtype()->set_proto_service("acme.component.echo.v1.EchoService");
    auto& api = *handler.mutable_subtype()->mutable_subtype();
    api.set_namespace_("acme");
    api.set_type("component");
    api.set_subtype("echo");
    return write(ready);
  }
  // All other answers have no field that is needed: what this module builds has no state.
  if (method.compare(0, service.size(), service) == 0)
    return write(viam::module::v1::AddResourceResponse());
  return false;
}

class Call final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Call(std::string method) : method_(std::move(method)) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    AnswerAsModule(method_, message_);
    StartWrite(&message_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&message_);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  const std::string method_;
  grpc::ByteBuffer message_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(context->method());
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: echo_module ADDRESS\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const std::string address = arguments[1];
  Service service;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  builder.AddListeningPort(address[0] == '/' ? "unix:" + address : address,
                           grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown();
  return 0;
}
