// SPDX-License-Identifier: Apache-2.0
#include "serve/http_calls.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/status.h"
#include "serve/download_http.h"
#include "serve/download_links.h"
#include "serve/kserve_http.h"

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

bool IsPrintable(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

absl::StatusOr<GrpcWebCallOptions> CallOptionsOf(const HttpRequest& request) {
  GrpcWebCallOptions options;
  ASSIGN_OR_RETURN(options.metadata, RpcMetadataOf(request));
  // The in-process channel has an authority of its own: this is the one that the client used. A
  // proxy in front has said so itself.
  const std::string host(request.Header("host"));
  if (request.Header("x-forwarded-host").empty() && IsPrintable(host))
    options.metadata.emplace_back("x-forwarded-host", host);
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

namespace {

// In place of whatever the request has: a token, or nothing where it brought no credentials.
absl::Status SetToken(const HttpRoutes& routes, const HttpRequest& request,
                      GrpcWebCallOptions& options) {
  ASSIGN_OR_RETURN(const std::string token, routes.CallToken(request));
  std::erase_if(options.metadata, [](const auto& entry) { return entry.first == "authorization"; });
  if (!token.empty()) options.metadata.emplace_back("authorization", token);
  return absl::OkStatus();
}

// The platform's own command sends its key so, rather than as "Basic".
HttpRequest WithKeyHeaders(const HttpRequest& request) {
  HttpRequest changed = request;
  const std::string_view id = request.Header("key_id");
  const std::string_view key = request.Header("key");
  if (request.Header("authorization").empty() && !id.empty() && !key.empty()) {
    const std::string pair = std::string(id) + ":" + std::string(key);
    changed.headers.emplace_back("authorization", "Basic " + Base64Encode(pair));
  }
  return changed;
}

}  // namespace

absl::StatusOr<GrpcWebCallOptions> KServeCallOf(const HttpRoutes& routes,
                                                const HttpRequest& request, std::string body,
                                                size_t max_message,
                                                std::unique_ptr<HttpPlainCall>& call) {
  ASSIGN_OR_RETURN(KServeRoute route, KServeRoute::Parse(request));
  ASSIGN_OR_RETURN(GrpcWebCallOptions options, CallOptionsOf(request));
  if (!route.is_open()) RETURN_IF_ERROR(SetToken(routes, request, options));
  ASSIGN_OR_RETURN(KServeHttpCall made,
                   KServeHttpCall::Make(std::move(route), request, body, max_message));
  options.method = made.route().method();
  options.messages.push_back(made.message());
  call = std::make_unique<KServeHttpCall>(std::move(made));
  return options;
}

absl::StatusOr<GrpcWebCallOptions> DownloadCallOf(const HttpRoutes& routes,
                                                  const HttpRequest& request,
                                                  std::unique_ptr<HttpPlainCall>& call) {
  ASSIGN_OR_RETURN(auto made, DownloadHttpCall::Make(request));
  ASSIGN_OR_RETURN(GrpcWebCallOptions options, CallOptionsOf(request));
  if (!made->is_signed()) RETURN_IF_ERROR(SetToken(routes, WithKeyHeaders(request), options));
  options.method = made->method();
  options.messages.push_back(made->message());
  call = std::move(made);
  return options;
}

PlainCallKind PlainCallKindOf(const HttpRequest& request) {
  if (IsKServePath(request.target) && request.method != "OPTIONS") return PlainCallKind::kKServe;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  return reads && IsDownloadPath(request.target) ? PlainCallKind::kDownload : PlainCallKind::kNone;
}

HttpResponse PlainCallFailure(PlainCallKind kind, const absl::Status& status) {
  return kind == PlainCallKind::kKServe ? KServeFailure(status) : DownloadFailure(status);
}

}  // namespace bowerbird::serve
