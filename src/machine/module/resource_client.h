// SPDX-License-Identifier: Apache-2.0
//
// Resources of another process behind the interfaces of this one: known APIs as what they are, all
// others for byte by byte forwarding only. Private to this folder.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "machine/module/rpc_client.h"
#include "machine/module/service_description.h"
#include "machine/resource.h"

namespace bowerbird::machine {

// What a resource is called over there, and how it is reached.
struct ResourceAddress {
  std::shared_ptr<const RpcClient> client;
  ResourceName name;
  std::string proto_service;
  std::shared_ptr<const ServiceDescription> description;  // shared by all of its API; may be null
  // What must live as long as the resource, and is told when it goes.
  std::shared_ptr<void> life;
};

class ResourceClient : public ForeignResource {
 public:
  explicit ResourceClient(ResourceAddress address) : address_(std::move(address)) {}

  absl::StatusOr<Json> DoCommand(const Context& context, const Json& command) override;
  absl::StatusOr<Json> GetStatus(const Context& context) override;
  absl::Status Stop(const Context& context) override;

  std::shared_ptr<grpc::Channel> channel() const override { return address_.client->channel(); }
  const std::string& remote_name() const override { return address_.name.name; }
  const std::string& proto_service() const override { return address_.proto_service; }
  bool IsUnary(const std::string& method) const override {
    return address_.description != nullptr && address_.description->IsUnary(method);
  }
  std::shared_ptr<const google::protobuf::DescriptorPool> files() const override {
    return address_.description == nullptr ? nullptr : address_.description->files();
  }

 protected:
  template <typename Request, typename Response>
  absl::Status Call(const Context& context, const std::string& method, Request& request,
                    Response& response) const {
    request.set_name(remote_name());
    return address_.client->Call(context, proto_service() + "/" + method, request, response);
  }

  // Of a request that has the name already, where the field is called otherwise.
  absl::Status CallNamed(const Context& context, const std::string& method,
                         const google::protobuf::Message& request,
                         google::protobuf::Message& response) const {
    return address_.client->Call(context, proto_service() + "/" + method, request, response);
  }
  // `take` looks at `response`, once for each that comes; false ends the call.
  absl::Status StreamNamed(const Context& context, const std::string& method,
                           const google::protobuf::Message& request,
                           google::protobuf::Message& response,
                           const std::function<bool()>& take) const {
    return address_.client->Stream(context, proto_service() + "/" + method, request, response,
                                   take);
  }

  // Requests one after the other: `next` writes the next one into `request`; false: there is none.
  absl::Status SendNamed(const Context& context, const std::string& method,
                         google::protobuf::Message& request, google::protobuf::Message& response,
                         const std::function<bool()>& next) const {
    return address_.client->Send(context, proto_service() + "/" + method, request, response, next);
  }

 private:
  const ResourceAddress address_;
};

// Of the API of `address`. Models are asked for their metadata; errors are theirs.
absl::StatusOr<std::shared_ptr<Resource>> MakeResourceClient(const Context& context,
                                                             ResourceAddress address);

std::shared_ptr<Resource> MakeCameraClient(ResourceAddress address);
std::shared_ptr<Resource> MakeVisionClient(ResourceAddress address);
std::shared_ptr<Resource> MakeMotorClient(ResourceAddress address);
std::shared_ptr<Resource> MakeBoardClient(ResourceAddress address);
std::shared_ptr<Resource> MakeAudioInClient(ResourceAddress address);
std::shared_ptr<Resource> MakeAudioOutClient(ResourceAddress address);
absl::StatusOr<std::shared_ptr<Resource>> MakeMlModelClient(const Context& context,
                                                            ResourceAddress address);

}  // namespace bowerbird::machine
