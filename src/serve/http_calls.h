// SPDX-License-Identifier: Apache-2.0
//
// The gRPC call that an HTTP request stands for.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "serve/grpc_web.h"
#include "serve/grpc_web_bridge.h"
#include "serve/http_message.h"
#include "serve/http_plain_call.h"
#include "serve/http_routes.h"

namespace bowerbird::serve {

// What the headers say: metadata and timeout. The method is left to the caller.
absl::StatusOr<GrpcWebCallOptions> CallOptionsOf(const HttpRequest& request);

// The call of a gRPC-Web request: messages stay in the body, which they keep alive.
absl::StatusOr<GrpcWebCallOptions> GrpcWebCallOf(const HttpRequest& request, GrpcWebFormat format,
                                                 std::string body, size_t max_message);

// The call of a request to KServe's addresses, which is left in `call`. UNAUTHENTICATED before the
// body is looked at; otherwise what KServeRoute and KServeHttpCall say.
absl::StatusOr<GrpcWebCallOptions> KServeCallOf(const HttpRoutes& routes,
                                                const HttpRequest& request, std::string body,
                                                size_t max_message,
                                                std::unique_ptr<HttpPlainCall>& call);

// The call of a download, likewise. Credentials come in the authorization header, or as key_id and
// key, which the platform's own command sends.
absl::StatusOr<GrpcWebCallOptions> DownloadCallOf(const HttpRoutes& routes,
                                                  const HttpRequest& request,
                                                  std::unique_ptr<HttpPlainCall>& call);

// Which of the two a request is for, if any.
enum class PlainCallKind { kNone, kKServe, kDownload };
PlainCallKind PlainCallKindOf(const HttpRequest& request);
// What a request of that kind gets whose call could not be made.
HttpResponse PlainCallFailure(PlainCallKind kind, const absl::Status& status);

}  // namespace bowerbird::serve
