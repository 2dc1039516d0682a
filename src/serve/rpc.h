// SPDX-License-Identifier: Apache-2.0
//
// How a gRPC service is written here: a class derived from RpcService registers one function per
// call. Every call, whatever its service, passes one gate (Admission): authentication, deadline,
// limits, the list of running operations, metrics, status codes. There is no other way to register
// a call, so none can be forgotten; and no generated *.grpc.pb.h is needed.
//
//   class SensorRpc : public RpcService {
//    public:
//     SensorRpc(Admission& admission, ...) : RpcService("viam.component.sensor.v1.SensorService",
//     admission) {
//       Unary<GetReadingsRequest, GetReadingsResponse>(
//           "GetReadings", [this](Call& call, const auto& request, auto& response) { ... });
//     }
//   };
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "base/context.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/method_handler.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "grpcpp/impl/codegen/service_type.h"

namespace bowerbird::serve {

// One running call, from admission to its answer. Lives on the handler's thread.
class Call {
 public:
  virtual ~Call() = default;
  // Deadline (10 minutes where the client gave none), cancellation by the client or by
  // CancelOperation, phases. Handlers may set its flags.
  virtual Context& context() = 0;
  virtual const std::string& operation_id() const = 0;
  // Who authenticated (the id of the API key), "" where nobody has to: the owner of sessions.
  virtual const std::string& owner() const = 0;
  // "192.168.1.7:51334"
  virtual const std::string& peer() const = 0;
  // Metadata sent by the client, "" if absent. Keys in lower case.
  virtual std::string Metadata(const std::string& key) const = 0;
  // The host, mostly with a port, by which the client called this server; "" if it is not known.
  virtual std::string Authority() const { return ""; }
  // Adds response metadata; only before the handler returns.
  virtual void AddHeader(const std::string& key, const std::string& value) = 0;
};

struct MethodInfo {
  std::string service;                // "viam.component.camera.v1.CameraService"
  std::string name;                   // "GetImages"
  std::string full_name;              // "/viam.component.camera.v1.CameraService/GetImages"
  bool needs_no_credentials = false;  // AuthService.Authenticate, health
  bool unlimited = false;  // exempt from the in-flight limit per resource: Log, SendTraces
};

// The gate. Thread-safe; outlives the server.
class Admission {
 public:
  virtual ~Admission() = default;
  // Runs `handler` unless the call is refused. `resource` is the request's `name` field, or its
  // `model_name`, or "".
  // The answer's code: that of the handler's status; plain failures of resources are UNKNOWN.
  virtual grpc::Status Run(grpc::ServerContext& context, const MethodInfo& method,
                           const std::string& resource,
                           const std::function<absl::Status(Call&)>& handler) = 0;
};

// See MethodInfo. (Outside of RpcService because clang does not take it as a default argument
// there.)
struct UnaryOptions {
  bool needs_no_credentials = false;
  bool unlimited = false;
};

class RpcService : public grpc::Service {
 public:
  RpcService(std::string service_name, Admission& admission)
      : service_name_(std::move(service_name)), admission_(admission) {}

  const std::string& service_name() const { return service_name_; }

 protected:
  // Each registers one call; only from the constructor of the derived class. The handler runs on a
  // thread of gRPC's pool, and holds it until it returns.

  // `handler`: absl::Status(Call&, const Request&, Response&).
  template <typename Request, typename Response, typename Handler>
  void Unary(const std::string& name, Handler handler, UnaryOptions options = {}) {
    const auto method = Describe(name, options);
    auto serve = [this, method, handler](RpcService*, grpc::ServerContext* context,
                                         const Request* request, Response* response) {
      return admission_.Run(*context, *method, NameIn(*request), [&](Call& call) -> absl::Status {
        return handler(call, *request, *response);
      });
    };
    Add(*method, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<RpcService, Request, Response>(serve, this));
  }

  // `handler`: absl::Status(Call&, const Request&, const Send&) with
  //   Send = std::function<bool(const Response&)>; false: the client is gone, nobody reads the
  //   rest.
  template <typename Request, typename Response, typename Handler>
  void ServerStream(const std::string& name, Handler handler, UnaryOptions options = {}) {
    const auto method = Describe(name, options);
    auto serve = [this, method, handler](RpcService*, grpc::ServerContext* context,
                                         const Request* request,
                                         grpc::ServerWriter<Response>* writer) {
      return admission_.Run(*context, *method, NameIn(*request), [&](Call& call) -> absl::Status {
        const std::function<bool(const Response&)> send = [&](const Response& response) {
          return writer->Write(response);
        };
        return handler(call, *request, send);
      });
    };
    Add(*method, grpc::internal::RpcMethod::SERVER_STREAMING,
        new grpc::internal::ServerStreamingHandler<RpcService, Request, Response>(serve, this));
  }

  // `handler`: absl::Status(Call&, const Receive&, Response&) with
  //   Receive = std::function<bool(Request&)>; false: the client has sent all of it, or is gone,
  //   which the call's context tells (Call::context().Check()). No headers can be added after that.
  template <typename Request, typename Response, typename Handler>
  void ClientStream(const std::string& name, Handler handler, UnaryOptions options = {}) {
    const auto method = Describe(name, options);
    auto serve = [this, method, handler](RpcService*, grpc::ServerContext* context,
                                         grpc::ServerReader<Request>* reader, Response* response) {
      return admission_.Run(*context, *method, "", [&](Call& call) -> absl::Status {
        bool ended = false;
        const std::function<bool(Request&)> receive = [&](Request& request) {
          if (!ended && reader->Read(&request)) return true;
          // gRPC tells of a stream that broke off in two steps: that no message comes, as at a
          // proper end, and then, from another thread, that the call is cancelled. A round through
          // its transport brings the second one before the handler looks at the context.
          if (!ended) reader->SendInitialMetadata();
          ended = true;
          return false;
        };
        return handler(call, receive, *response);
      });
    };
    Add(*method, grpc::internal::RpcMethod::CLIENT_STREAMING,
        new grpc::internal::ClientStreamingHandler<RpcService, Request, Response>(serve, this));
  }

 private:
  // The resource that a request is for, "" where it is for none.
  template <typename Request>
  static std::string NameIn(const Request& request) {
    if constexpr (requires { request.name(); }) {
      if constexpr (std::is_convertible_v<decltype(request.name()), std::string>)
        return request.name();
    } else if constexpr (requires { request.model_name(); }) {
      return request.model_name();
    }
    return "";
  }

  std::shared_ptr<const MethodInfo> Describe(const std::string& name, UnaryOptions options) {
    methods_.push_back(std::make_shared<const MethodInfo>(
        MethodInfo{service_name_, name, "/" + service_name_ + "/" + name,
                   options.needs_no_credentials, options.unlimited}));
    return methods_.back();
  }

  // gRPC keeps the pointer to the name and owns the method and its handler.
  void Add(const MethodInfo& method, grpc::internal::RpcMethod::RpcType type,
           grpc::internal::MethodHandler* handler) {
    AddMethod(new grpc::internal::RpcServiceMethod(method.full_name.c_str(), type, handler));
  }

  const std::string service_name_;
  Admission& admission_;
  std::vector<std::shared_ptr<const MethodInfo>> methods_;
};

}  // namespace bowerbird::serve
