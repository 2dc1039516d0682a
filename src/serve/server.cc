// SPDX-License-Identifier: Apache-2.0
#include "serve/server.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "grpc/grpc.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server_posix.h"
#include "serve/auth_rpc.h"
#include "serve/port.h"
#include "serve/reflection_rpc.h"

namespace bowerbird::serve {
namespace {

// The library stays up as long as the process: to shut it down takes up to ten seconds, which it
// waits for a poll of its own, and would hold up whoever destroys the last server.
void KeepGrpcUp() {
  static const bool kept = (grpc_init(), true);
  (void)kept;
}

int Milliseconds(std::chrono::nanoseconds time) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

absl::StatusOr<std::vector<ListenAddress>> ParseAll(const std::vector<std::string>& texts) {
  std::vector<ListenAddress> addresses;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(addresses.emplace_back(), ListenAddress::Parse(text));
  }
  if (addresses.empty()) return InvalidArgument("no listen address was given");
  return addresses;
}

absl::StatusOr<bool> AllLoopback(const std::vector<ListenAddress>& addresses) {
  for (const ListenAddress& address : addresses) {
    ASSIGN_OR_RETURN(const bool loopback, address.IsLoopback());
    if (!loopback) return false;
  }
  return true;
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Metrics& metrics, std::unique_ptr<Authenticator> authenticator,
       std::vector<ListenAddress> listen, bool loopback, SslContext tls)
      : options_(std::move(options)),
        metrics_(metrics),
        listen_(std::move(listen)),
        tls_(std::move(tls)),
        has_tls_(tls_ != nullptr),
        loopback_(loopback),
        authenticator_(std::move(authenticator)),
        sessions_(options_.session_window),
        gate_(*authenticator_, operations_, sessions_, metrics_, &peers_, options_.admission),
        auth_rpc_(*authenticator_, gate_),
        routes_(StaticFiles(options_.static_root), metrics_, *authenticator_,
                options_.allowed_origins) {}

  absl::Status SetAuthHandlers(const std::vector<machine::AuthHandler>& handlers);
  absl::Status Start(const std::vector<RpcService*>& services, const ForeignRouter* router);
  void SetServing(bool serving);
  void Stop(std::chrono::nanoseconds grace);

  const ServerOptions options_;
  Metrics& metrics_;
  const std::vector<ListenAddress> listen_;
  SslContext tls_;  // until the port takes it
  const bool has_tls_;
  const bool loopback_;
  bool handlers_configured_ = false;

  const std::unique_ptr<Authenticator> authenticator_;
  OperationRegistry operations_;
  Sessions sessions_;
  PeerTable peers_;
  CallGate gate_;
  AuthRpc auth_rpc_;
  HttpRoutes routes_;
  std::unique_ptr<GenericProxy> proxy_;
  std::vector<std::unique_ptr<ReflectionRpc>> reflection_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<Port> port_;

 private:
  absl::Status ApplyPolicy();
  void Configure(grpc::ServerBuilder& builder) const;
  void AddReflection(const std::vector<RpcService*>& services, const ForeignRouter* router,
                     grpc::ServerBuilder& builder);
};

absl::Status Server::Impl::ApplyPolicy() {
  AuthInputs inputs;
  inputs.loopback = loopback_;
  inputs.tls = has_tls_;
  inputs.insecure = options_.insecure;
  inputs.handlers_configured = handlers_configured_;
  inputs.has_keys = authenticator_->has_keys();
  ASSIGN_OR_RETURN(const AuthPolicy policy, DecideAuthPolicy(inputs));
  authenticator_->SetPolicy(policy);
  return absl::OkStatus();
}

absl::Status Server::Impl::SetAuthHandlers(const std::vector<machine::AuthHandler>& handlers) {
  handlers_configured_ = !handlers.empty();
  absl::Status taken = authenticator_->SetHandlers(handlers);
  // A running server that lost its last key goes on: it refuses everybody until there is one.
  if (port_ != nullptr && !loopback_) return taken;
  if (loopback_) authenticator_->SetPolicy({handlers_configured_});
  return taken;
}

void Server::Impl::Configure(grpc::ServerBuilder& builder) const {
  const int max_message = static_cast<int>(options_.max_message);
  const int keepalive = Milliseconds(options_.keepalive);
  builder.SetMaxReceiveMessageSize(max_message);
  builder.SetMaxSendMessageSize(max_message);
  // A client that went silent is found out by pings, with calls or without.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients of this API ping every 20 s; one that pings more often than every 5 s is turned away.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options_.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 65536);
  grpc::ResourceQuota quota("bowerbird");
  quota.SetMaxThreads(options_.max_rpc_threads);
  builder.SetResourceQuota(quota);
}

// grpc.health.v1 is gRPC's own and does not pass the gate: probes have no credentials, and it tells
// whether this server is serving, nothing else.
void Server::Impl::AddReflection(const std::vector<RpcService*>& services,
                                 const ForeignRouter* router, grpc::ServerBuilder& builder) {
  const std::vector<std::string> packages = {"grpc.reflection.v1", "grpc.reflection.v1alpha"};
  std::vector<std::string> own = {auth_rpc_.service_name(), "grpc.health.v1.Health"};
  for (const RpcService* service : services) own.push_back(service->service_name());
  for (const std::string& package : packages) own.push_back(package + ".ServerReflection");
  Reflected reflected;
  reflected.services = [own, router] {
    std::set<std::string> all(own.begin(), own.end());
    if (router != nullptr) {
      for (const std::string& name : router->Services()) all.insert(name);
    }
    return std::vector<std::string>(all.begin(), all.end());
  };
  reflected.files = [router] {
    return router == nullptr
               ? std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>>()
               : router->Files();
  };
  for (const std::string& package : packages) {
    reflection_.push_back(std::make_unique<ReflectionRpc>(package, reflected, gate_));
    builder.RegisterService(reflection_.back().get());
  }
}

absl::Status Server::Impl::Start(const std::vector<RpcService*>& services,
                                 const ForeignRouter* router) {
  if (grpc_ != nullptr) return FailedPrecondition("the server was started before");
  RETURN_IF_ERROR(ApplyPolicy());
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  Configure(builder);
  for (RpcService* service : services) builder.RegisterService(service);
  builder.RegisterService(&auth_rpc_);
  AddReflection(services, router, builder);
  proxy_ = std::make_unique<GenericProxy>(gate_, router);
  builder.RegisterCallbackGenericService(proxy_.get());
  if (!options_.parent_socket.empty()) {
    builder.AddListeningPort("unix:" + options_.parent_socket, grpc::InsecureServerCredentials());
  }
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr) return Internal("gRPC refused to start: see the log above");

  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  PortOptions port;
  port.listen = listen_;
  port.tls = std::move(tls_);
  port.threads = options_.io_threads;
  port.max_connections = options_.max_connections;
  port.header_timeout = options_.header_timeout;
  port.idle_timeout = options_.idle_timeout;
  port.stall_timeout = options_.stall_timeout;
  port.max_message = options_.max_message;
  const auto hand_over = [server = grpc_.get()](int fd) {
    grpc::AddInsecureChannelFromFd(server, fd);
  };
  auto started = Port::Start(
      std::move(port), {routes_, peers_, metrics_, hand_over, grpc_->InProcessChannel(arguments)});
  if (!started.ok()) {
    grpc_->Shutdown();
    return started.status();
  }
  port_ = *std::move(started);
  SetServing(true);
  return absl::OkStatus();
}

void Server::Impl::SetServing(bool serving) {
  routes_.SetServing(serving);
  if (grpc_ != nullptr) grpc_->GetHealthCheckService()->SetServingStatus(serving);
}

// gRPC first, while the port still carries answers: calls over gRPC-Web and TLS end with it. Then
// what the port itself has.
void Server::Impl::Stop(std::chrono::nanoseconds grace) {
  if (port_ == nullptr) return;
  SetServing(false);
  const auto deadline = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::steady_clock::duration>(grace);
  port_->Drain();
  grpc_->Shutdown(std::chrono::system_clock::now() +
                  std::chrono::duration_cast<std::chrono::system_clock::duration>(grace));
  port_->Stop(std::max(deadline, std::chrono::steady_clock::now() + std::chrono::seconds(1)));
  port_.reset();
  grpc_->Wait();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { impl_->Stop(std::chrono::nanoseconds(0)); }

absl::StatusOr<std::unique_ptr<Server>> Server::Create(ServerOptions options, Metrics& metrics) {
  KeepGrpcUp();
  ASSIGN_OR_RETURN(std::vector<ListenAddress> listen, ParseAll(options.listen));
  ASSIGN_OR_RETURN(const bool loopback, AllLoopback(listen));
  SslContext tls;
  if (!options.tls_certificate_file.empty() || !options.tls_key_file.empty()) {
    ASSIGN_OR_RETURN(tls, LoadServerTls(options.tls_certificate_file, options.tls_key_file));
  }
  ASSIGN_OR_RETURN(auto authenticator, Authenticator::Create(options.data_dir));
  authenticator->SetPolicy({!loopback});
  return std::unique_ptr<Server>(
      new Server(std::make_unique<Impl>(std::move(options), metrics, std::move(authenticator),
                                        std::move(listen), loopback, std::move(tls))));
}

Authenticator& Server::authenticator() { return *impl_->authenticator_; }
OperationRegistry& Server::operations() { return impl_->operations_; }
Sessions& Server::sessions() { return impl_->sessions_; }
CallGate& Server::admission() { return impl_->gate_; }

absl::Status Server::SetAuthHandlers(const std::vector<machine::AuthHandler>& handlers) {
  return impl_->SetAuthHandlers(handlers);
}
absl::Status Server::Start(const std::vector<RpcService*>& services, const ForeignRouter* router) {
  return impl_->Start(services, router);
}
std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  if (impl_->grpc_ == nullptr) return nullptr;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  return impl_->grpc_->InProcessChannel(arguments);
}
uint16_t Server::port() const { return impl_->port_ == nullptr ? 0 : impl_->port_->port(); }
bool Server::tls() const { return impl_->has_tls_; }
void Server::SetServing(bool serving) { impl_->SetServing(serving); }
void Server::Stop(std::chrono::nanoseconds grace) { impl_->Stop(grace); }

}  // namespace bowerbird::serve
