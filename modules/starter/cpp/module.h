// SPDX-License-Identifier: Apache-2.0
//
// What every module in C++ needs: it listens where the machine says, answers the calls of the
// module protocol, keeps the resources, and reaches those of the machine. The messages are those of
// proto/.
#pragma once

#include <google/protobuf/struct.pb.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "module/v1/module.pb.h"

namespace module {

// What the machine's config says of one resource.
struct Config {
  std::string name;
  google::protobuf::Struct attributes;
  std::vector<std::string> dependencies;  // full names, "rdk:component:camera/front"
};

// Names of resources that must be built first, and of those that are used where they are there.
struct Needs {
  std::vector<std::string> required;
  std::vector<std::string> optional;
};

// Base of everything that a module brings. Its calls come from several threads at a time.
class Resource {
 public:
  virtual ~Resource() = default;
};

struct Model {
  std::string api;      // "rdk:component:sensor"
  std::string service;  // its gRPC service, "viam.component.sensor.v1.SensorService"
  std::string name;     // "namespace:family:name"
  // Checks attributes without building. May be left out.
  std::function<grpc::Status(const google::protobuf::Struct&, Needs&)> validate = {};
  std::function<grpc::Status(const Config&, std::shared_ptr<Resource>&)> create;
};

class Module : public grpc::Service {
 public:
  Module();
  ~Module() override;

  // Both before Run.
  void Add(Model model);
  // The calls `method` of an API go to `function` of the resource that the request names.
  // `method`: "viam.component.sensor.v1.SensorService/GetReadings".
  template <typename T, typename Request, typename Response>
  void Serve(const std::string& method, grpc::Status (T::*function)(const Request&, Response&)) {
    Register<Request, Response>(
        method, [this, function](const Request& request, Response& response) -> grpc::Status {
          const auto resource = std::dynamic_pointer_cast<T>(Find(request.name()));
          if (resource == nullptr)
            return {grpc::StatusCode::NOT_FOUND, "no such resource: \"" + request.name() + "\""};
          return ((*resource).*function)(request, response);
        });
  }

  // Serves until SIGTERM. The exit status of the program.
  int Run(int count, char** arguments);

  // The machine, for calls to its resources; null before it has said Ready.
  std::shared_ptr<grpc::Channel> machine() const;

 private:
  template <typename Request, typename Response, typename Handler>
  void Register(const std::string& method, Handler handler) {
    // gRPC keeps the pointer to the name.
    const auto& name = *names_.emplace_back(std::make_unique<std::string>("/" + method));
    AddMethod(new grpc::internal::RpcServiceMethod(
        name.c_str(), grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<Module, Request, Response>(
            [handler](Module*, grpc::ServerContext*, const Request* request, Response* response) {
              return handler(*request, *response);
            },
            this)));
  }

  void Ready(const viam::module::v1::ReadyRequest& request,
             viam::module::v1::ReadyResponse& response);
  grpc::Status AddResource(const viam::app::v1::ComponentConfig& config,
                           const google::protobuf::RepeatedPtrField<std::string>& dependencies);
  grpc::Status ModelOf(const viam::app::v1::ComponentConfig& config, const Model** model) const;
  std::shared_ptr<Resource> Find(const std::string& name) const;
  // Takes the resource `name` out and ends it, once the calls that use it are done.
  void Remove(const std::string& name);

  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<Model> models_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Resource>> resources_;  // of mutex_
  std::shared_ptr<grpc::Channel> machine_;                      // of mutex_
};

}  // namespace module
