// SPDX-License-Identifier: Apache-2.0
//
// Calls of services that nobody here has registered. If the service is that of a resource which
// lives elsewhere (in a module, on another machine), the call goes there byte for byte: messages of
// any number in both directions, metadata, deadline, cancellation, status. Else UNIMPLEMENTED, with
// the name of what was called. Either way it passes the gate like every call.
//
// The client's `authorization` is not passed on: it is meant for this server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "serve/admission.h"

namespace google::protobuf {
class DescriptorPool;
}

namespace bowerbird::serve {

struct ForeignTarget {
  std::shared_ptr<grpc::Channel> channel;  // shared with the resource, which may go meanwhile
  std::string name;                        // the resource's name over there
  bool unary = false;  // the call is known to take one message and to answer with one
};

// Knows the resources that live elsewhere. Thread-safe; must not block.
class ForeignRouter {
 public:
  virtual ~ForeignRouter() = default;
  // Whether any resource of such a service may exist: "acme.component.gizmo.v1.GizmoService".
  virtual bool Knows(const std::string& service) const = 0;
  // The services of all such resources that there are now, for reflection.
  virtual std::vector<std::string> Services() const = 0;
  // What describes them; without those whose process does not tell.
  virtual std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> Files() const = 0;
  // Where the resource is, for a call of `method` ("Turn"). NOT_FOUND if there is none of that
  // name.
  virtual absl::StatusOr<ForeignTarget> Route(const std::string& service, const std::string& method,
                                              const std::string& resource) const = 0;
};

class GenericProxy : public grpc::CallbackGenericService {
 public:
  // Both outlive the server; `router` may be null.
  GenericProxy(CallGate& gate, const ForeignRouter* router) : gate_(gate), router_(router) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  CallGate& gate_;
  const ForeignRouter* const router_;
};

}  // namespace bowerbird::serve
