// SPDX-License-Identifier: Apache-2.0
//
// The server's certificate and key, ready for use by OpenSSL: TLS 1.2 or newer, and ALPN. A client
// that offers HTTP/1.1 gets it even if it offers h2 too: only browsers do, and what they want, the
// web page and gRPC-Web, is served over HTTP/1.1. gRPC clients offer h2 alone.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "openssl/ssl.h"

namespace bowerbird::serve {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

// PEM files; the certificate's may hold a chain, leaf first. Errors name the file and the fault:
// missing, unreadable, no PEM, encrypted key, key and certificate of different pairs.
absl::StatusOr<SslContext> LoadServerTls(const std::string& certificate_file,
                                         const std::string& key_file);

}  // namespace bowerbird::serve
