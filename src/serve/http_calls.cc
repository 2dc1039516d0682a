// SPDX-License-Identifier: Apache-2.0
#include "serve/http_calls.h"

#include <memory>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace bowerbird::serve {
namespace {

// A message of the request as gRPC takes it: the bytes stay in the body, which it keeps alive.
grpc::ByteBuffer ShareMessage(const std::shared_ptr<const std::string>& body,
                              std::string_view message) {
  using Share = std::shared_ptr<const std::string>;
  const grpc::Slice slice(
      const_cast<char*>(message.data()), message.size(),
      [](void* share) { delete static_cast<Share*>(share); }, new Share(body));
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

absl::StatusOr<GrpcWebCallOptions> CallOptionsOf(const HttpRequest& request) {
  GrpcWebCallOptions options;
  ASSIGN_OR_RETURN(options.metadata, RpcMetadataOf(request));
  ASSIGN_OR_RETURN(options.timeout, RpcTimeoutOf(request));
  return options;
}

absl::StatusOr<GrpcWebCallOptions> GrpcWebCallOf(const HttpRequest& request, GrpcWebFormat format,
                                                 std::string body, size_t max_message) {
  ASSIGN_OR_RETURN(GrpcWebCallOptions options, CallOptionsOf(request));
  options.method = request.target;
  if (format == GrpcWebFormat::kText) {
    ASSIGN_OR_RETURN(body, DecodeGrpcWebText(body));
  }
  const auto shared = std::make_shared<const std::string>(std::move(body));
  ASSIGN_OR_RETURN(const auto messages, ParseGrpcWebFrames(*shared, max_message));
  for (const std::string_view message : messages)
    options.messages.push_back(ShareMessage(shared, message));
  return options;
}

absl::StatusOr<GrpcWebCallOptions> KServeCallOf(const HttpRoutes& routes,
                                                const HttpRequest& request, std::string body,
                                                size_t max_message,
                                                std::optional<KServeHttpCall>& call) {
  ASSIGN_OR_RETURN(KServeRoute route, KServeRoute::Parse(request));
  ASSIGN_OR_RETURN(GrpcWebCallOptions options, CallOptionsOf(request));
  if (!route.is_open()) {
    ASSIGN_OR_RETURN(const std::string token, routes.CallToken(request));
    std::erase_if(options.metadata,
                  [](const auto& entry) { return entry.first == "authorization"; });
    if (!token.empty()) options.metadata.emplace_back("authorization", token);
  }
  ASSIGN_OR_RETURN(call, KServeHttpCall::Make(std::move(route), request, body, max_message));
  options.method = call->route().method();
  options.messages.push_back(call->message());
  return options;
}

}  // namespace bowerbird::serve
