// SPDX-License-Identifier: Apache-2.0
//
// For tests: services behind a real gRPC server and channel in this process, an open gate, and a
// finder over resources made by the test.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/phases.h"
#include "base/status.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "gtest/gtest.h"
#include "machine/catalog.h"
#include "serve/admission.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

class TestCall : public Call {
 public:
  TestCall() { context_.phases = &phases_; }
  Context& context() override { return context_; }
  const std::string& operation_id() const override { return operation_id_; }
  const std::string& owner() const override { return owner_; }
  const std::string& peer() const override { return peer_; }
  std::string Metadata(const std::string&) const override { return ""; }
  void AddHeader(const std::string&, const std::string&) override {}

  PhaseTimes phases_;
  Context context_;
  std::string operation_id_ = "own-operation";
  std::string owner_ = "key-1";
  std::string peer_ = "10.0.0.7:4711";
};

// Lets every call in, and remembers what it was told about the last one.
class OpenGate : public Admission {
 public:
  grpc::Status Run(grpc::ServerContext&, const MethodInfo& method, const std::string& resource,
                   const std::function<absl::Status(Call&)>& handler) override {
    TestCall call;
    const absl::Status status = handler(call);
    last_method = method;
    last_resource = resource;
    last_phases = call.phases_;
    last_from_data_management = call.context_.from_data_management;
    return ToGrpc(status);
  }

  MethodInfo last_method;
  std::string last_resource;
  PhaseTimes last_phases;
  bool last_from_data_management = false;
};

class TestFinder : public machine::ResourceFinder {
 public:
  absl::StatusOr<std::shared_ptr<machine::Resource>> Find(
      const machine::ResourceName& name) const override {
    const auto found = resources.find(name);
    if (found != resources.end()) return found->second;
    return NotFound("no node found with api " + name.api.ToString() + " and name " + name.name);
  }

  template <typename T>
  std::shared_ptr<T> Add(const std::string& name, std::shared_ptr<T> resource) {
    resources[{T::kApi, name}] = resource;
    return resource;
  }

  std::map<machine::ResourceName, std::shared_ptr<machine::Resource>> resources;
};

class RpcTest : public testing::Test {
 protected:
  ~RpcTest() override {
    if (server_ != nullptr) server_->Shutdown();
  }

  void Serve(std::unique_ptr<RpcService> service) {
    std::vector<std::unique_ptr<RpcService>> services;
    services.push_back(std::move(service));
    Serve(std::move(services));
  }

  void Serve(std::vector<std::unique_ptr<RpcService>> services) {
    services_ = std::move(services);
    grpc::ServerBuilder builder;
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    channel_ = server_->InProcessChannel({});
  }

  // `method`: "package.Service/Method".
  template <typename Request, typename Response>
  grpc::Status Call(const std::string& method, const Request& request, Response& response) {
    const std::string path = "/" + method;
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    grpc::ClientContext context;
    using Message = google::protobuf::MessageLite;
    return grpc::internal::BlockingUnaryCall<Request, Response, Message, Message>(
        channel_.get(), rpc, &context, request, &response);
  }

  OpenGate gate_;
  TestFinder finder_;
  Metrics metrics_;
  std::vector<std::unique_ptr<RpcService>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace bowerbird::serve
