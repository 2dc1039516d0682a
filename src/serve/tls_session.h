// SPDX-License-Identifier: Apache-2.0
//
// A connection that speaks TLS: the handshake, then, by what the client speaks, an HTTP session or
// a pump to gRPC. Internal to the port.
#pragma once

#include <functional>
#include <string>

#include "boost/asio/ssl/context.hpp"
#include "serve/http_session.h"

namespace bowerbird::serve {

struct TlsOptions {
  asio::ssl::context& tls;
  HttpContext& http;
  // Takes a descriptor that speaks HTTP/2, and the client's address.
  const std::function<void(int fd, const std::string& peer)>& hand_over;
};

// Takes the connection over. All options outlive it.
void ServeTls(Socket socket, std::string peer, const TlsOptions& options);

}  // namespace bowerbird::serve
