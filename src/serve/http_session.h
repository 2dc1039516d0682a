// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 connection: requests one after another, answered from HttpRoutes or, for gRPC-Web, by
// a call to this server itself. Internal to the port.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "serve/byte_stream.h"
#include "serve/connection.h"
#include "serve/grpc_web_bridge.h"
#include "serve/http_routes.h"

namespace bowerbird::serve {

// What all HTTP connections share. Outlives them.
struct HttpContext {
  const HttpRoutes& routes;
  GrpcWebBridge& bridge;
  ConnectionSet& connections;
  ConnectionLimits limits;
  std::atomic<size_t> body_bytes{0};  // held by requests now
};

// Takes the connection over. `received`: bytes that were read from it already.
void ServeHttp(std::unique_ptr<ByteStream> stream, std::string peer, std::string_view received,
               HttpContext& context);

}  // namespace bowerbird::serve
