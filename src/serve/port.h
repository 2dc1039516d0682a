// SPDX-License-Identifier: Apache-2.0
//
// The one port: accepts connections and finds out, from their first bytes, who shall serve them.
//   0x16        a TLS handshake, if there is a certificate; then as below, under TLS
//   "PRI"       HTTP/2: the descriptor goes to gRPC
//   else        HTTP/1.1: gRPC-Web, the web page, /healthz, /metrics
// With a certificate nothing is served in clear text.
//
// Threads "port-0", "port-1", ... run everything here; each connection on a strand of its own.
// Bounds: connections (more are closed at once), bytes of headers and bodies, time for each step.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/metrics.h"
#include "grpcpp/channel.h"
#include "serve/http_routes.h"
#include "serve/listen_address.h"
#include "serve/peer_table.h"
#include "serve/tls_context.h"

namespace bowerbird::serve {

struct PortOptions {
  std::vector<ListenAddress> listen;
  SslContext tls;  // null: clear text
  int threads = 2;
  size_t max_connections = 512;
  std::chrono::nanoseconds header_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(75);
  std::chrono::nanoseconds stall_timeout = std::chrono::seconds(30);
  size_t max_message = size_t{32} << 20;
};

struct PortTargets {
  const HttpRoutes& routes;
  PeerTable& peers;
  Metrics& metrics;
  // Called with a descriptor that speaks HTTP/2; owns it from then on. From the port's threads.
  std::function<void(int fd)> hand_over;
  // For gRPC-Web.
  std::shared_ptr<grpc::Channel> channel;
};

class Port {
 public:
  // Listens and serves. The targets outlive it. UNAVAILABLE or ALREADY_EXISTS: cannot listen there.
  static absl::StatusOr<std::unique_ptr<Port>> Start(PortOptions options, PortTargets targets);
  // Stops at once.
  ~Port();

  // The TCP port of the first address; 0 if there are only Unix sockets.
  uint16_t port() const;

  // Takes no new connections and no new requests; what runs goes on. After it has returned nothing
  // more is handed over.
  void Drain();
  // Ends every connection of this class by `deadline`, and all threads.
  void Stop(std::chrono::steady_clock::time_point deadline);

 private:
  class Impl;
  explicit Port(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::serve
