// SPDX-License-Identifier: Apache-2.0
//
// The server as the program sees it: the port, gRPC behind it, and the gate every call passes.
//
//   ASSIGN_OR_RETURN(auto server, Server::Create(options, metrics));
//   CameraRpc camera(machine, server->admission());          // services are built on the gate
//   RETURN_IF_ERROR(server->Start({&camera, ...}, router));  // listens
//   ...
//   server->Stop(std::chrono::seconds(5));                   // before the services are destroyed
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/metrics.h"
#include "machine/config.h"
#include "serve/admission.h"
#include "serve/auth.h"
#include "serve/generic_proxy.h"
#include "serve/operations.h"
#include "serve/rpc.h"
#include "serve/sessions.h"

namespace bowerbird::serve {

struct ServerOptions {
  std::string data_dir;                               // keys
  std::vector<std::string> listen{"127.0.0.1:8080"};  // as ListenAddress::Parse takes them
  std::string tls_certificate_file, tls_key_file;     // both or none
  bool insecure = false;                              // --insecure
  // A Unix socket for this machine's own modules: clear text, no credentials asked. The folder
  // decides who may reach it. "" = none.
  std::string parent_socket;
  std::string static_root;                   // the web page; "" = none
  std::vector<std::string> allowed_origins;  // see OriginPolicy
  std::chrono::nanoseconds session_window = Sessions::kDefaultWindow;
  AdmissionOptions admission;

  size_t max_message = size_t{32} << 20;
  size_t max_connections = 512;
  int max_streams_per_connection = 256;
  int max_rpc_threads = 256;  // synchronous handlers at once; beyond, RESOURCE_EXHAUSTED
  int io_threads = 2;
  std::chrono::nanoseconds header_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(75);
  std::chrono::nanoseconds stall_timeout = std::chrono::seconds(30);
  std::chrono::nanoseconds keepalive = std::chrono::seconds(20);
};

class Server {
 public:
  // Reads keys and certificate, and decides whether it may start like this at all; opens nothing.
  static absl::StatusOr<std::unique_ptr<Server>> Create(ServerOptions options, Metrics& metrics);
  // Stops at once.
  ~Server();

  Authenticator& authenticator();
  OperationRegistry& operations();
  Sessions& sessions();
  CallGate& admission();

  // `auth.handlers` of the config: before Start, and again whenever the config changes. An error is
  // for the log: what could be taken was taken.
  absl::Status SetAuthHandlers(const std::vector<machine::AuthHandler>& handlers);

  // Listens and serves: `services`, AuthService, reflection, health, and what `router` (may be
  // null) knows. All of them outlive Stop. Once only. FAILED_PRECONDITION: see DecideAuthPolicy.
  absl::Status Start(const std::vector<RpcService*>& services, const ForeignRouter* router);

  // For calls of this process to itself: they pass the same gate, but no socket. Null before Start;
  // must not be used after Stop.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // The TCP port it listens at; 0 before Start, or with Unix sockets only.
  uint16_t port() const;
  // Whether it serves with TLS.
  bool tls() const;

  // What /healthz and grpc.health.v1 say: serving from Start on, unless this says otherwise.
  void SetServing(bool serving);

  // Stops listening, lets calls finish for `grace`, then cancels them. Idempotent.
  void Stop(std::chrono::nanoseconds grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::serve
