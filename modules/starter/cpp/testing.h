// SPDX-License-Identifier: Apache-2.0
//
// The module as a machine starts it, with one resource, for its tests.
#pragma once

#include <google/protobuf/struct.pb.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "module/v1/module.pb.h"

extern char** environ;

#define EXPECT(condition)                                                  \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                        \
    }                                                                      \
  } while (false)

class RunningModule {
 public:
  // `program`: its path.
  explicit RunningModule(const char* program) {
    char folder[] = "/tmp/module-XXXXXX";
    EXPECT(mkdtemp(folder) != nullptr);
    folder_ = folder;
    socket_ = folder_ + "/m.sock";
    char* arguments[] = {const_cast<char*>(program), socket_.data(), nullptr};
    EXPECT(posix_spawn(&child_, program, nullptr, nullptr, arguments, environ) == 0);
    for (int i = 0; i < 200 && access(socket_.c_str(), F_OK) != 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    channel_ = grpc::CreateChannel("unix:" + socket_, grpc::InsecureChannelCredentials());
    viam::module::v1::ReadyRequest request;
    request.set_parent_address(socket_);
    viam::module::v1::ReadyResponse response;
    EXPECT(Call("viam.module.v1.ModuleService/Ready", request, response).ok());
    EXPECT(response.ready() && response.handlermap().handlers_size() == 1);
  }
  ~RunningModule() {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
    unlink(socket_.c_str());
    rmdir(folder_.c_str());
  }

  template <typename Request, typename Response>
  grpc::Status Call(const std::string& method, const Request& request, Response& response) {
    const std::string path = "/" + method;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    return grpc::internal::BlockingUnaryCall<Request, Response>(channel_.get(), rpc, &context,
                                                                request, &response);
  }

  grpc::Status Validate(const google::protobuf::Struct& attributes) {
    viam::module::v1::ValidateConfigRequest request;
    Fill(attributes, *request.mutable_config());
    viam::module::v1::ValidateConfigResponse response;
    return Call("viam.module.v1.ModuleService/ValidateConfig", request, response);
  }
  grpc::Status Add(const google::protobuf::Struct& attributes) {
    viam::module::v1::AddResourceRequest request;
    Fill(attributes, *request.mutable_config());
    viam::module::v1::AddResourceResponse response;
    return Call("viam.module.v1.ModuleService/AddResource", request, response);
  }

 private:
  static void Fill(const google::protobuf::Struct& attributes,
                   viam::app::v1::ComponentConfig& config) {
    config.set_name("mine");
    config.set_api("@API@");
    config.set_model("@MODEL@");
    *config.mutable_attributes() = attributes;
  }

  std::string folder_;
  std::string socket_;
  pid_t child_ = 0;
  std::shared_ptr<grpc::Channel> channel_;
};
