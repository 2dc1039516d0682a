// SPDX-License-Identifier: Apache-2.0
//
// A module in C++, without any SDK: test:cpp:echo of the API acme:component:echo, whose calls
// answer with the bytes that they were sent, once (Echo) or until the caller has sent all (Stream).
// It tells by reflection which is which. Tests and the bench of modules start it.
//
// usage: echo_module ADDRESS [--log-level=...] [--tcp-mode]
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "module/v1/module.pb.h"

namespace {

using Message = google::protobuf::Message;

constexpr int kMaxMessage = 64 << 20;

bool Write(const Message& message, grpc::ByteBuffer& answer) {
  answer.Clear();
  bool own = false;
  return grpc::SerializationTraits<Message>::Serialize(message, &answer, &own).ok();
}

// The file of the service, whatever was asked.
bool AnswerReflection(const std::string& method, grpc::ByteBuffer& answer) {
  if (method.compare(0, 17, "/grpc.reflection.") != 0) return false;
  google::protobuf::FileDescriptorProto file;
  file.set_name("acme/component/echo/v1/echo.proto");
  file.set_package("acme.component.echo.v1");
  auto& service = *file.add_service();
  service.set_name("EchoService");
  for (const char* const name : {"Echo", "Stream"}) {
    auto& added = *service.add_method();
    added.set_name(name);
    added.set_input_type(".acme.component.echo.v1.Anything");
    added.set_output_type(".acme.component.echo.v1.Anything");
    added.set_client_streaming(std::string(name) == "Stream");
    added.set_server_streaming(std::string(name) == "Stream");
  }
  file.add_message_type()->set_name("Anything");
  grpc::reflection::v1::ServerReflectionResponse response;
  response.mutable_file_descriptor_response()->add_file_descriptor_proto(file.SerializeAsString());
  return Write(response, answer);
}

// The answer to a call of ModuleService, or nothing for what is only echoed.
bool AnswerAsModule(const std::string& method, grpc::ByteBuffer& answer) {
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
    return Write(ready, answer);
  }
  // All other answers have no field that is needed: what this module builds has no state.
  if (method.compare(0, service.size(), service) == 0)
    return Write(viam::module::v1::AddResourceResponse(), answer);
  return false;
}

class Call final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Call(std::string method) : method_(std::move(method)) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    const bool once = AnswerAsModule(method_, message_) || method_.ends_with("/Echo");
    if (once) return StartWriteAndFinish(&message_, {}, grpc::Status::OK);
    AnswerReflection(method_, message_);
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
