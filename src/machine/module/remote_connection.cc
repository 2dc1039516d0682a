// SPDX-License-Identifier: Apache-2.0
#include "machine/module/remote_connection.h"

#include <array>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/client_interceptor.h"
#include "machine/api_service.h"
#include "machine/attributes.h"
#include "machine/config_sections.h"
#include "machine/module/remote_manager.h"
#include "proto/rpc/v1/auth.pb.h"
#include "robot/v1/robot.pb.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::robot::v1;

constexpr char kRobot[] = "viam.robot.v1.RobotService/";
constexpr std::chrono::seconds kCallTime{5};
constexpr size_t kMaxNames = 10'000;
constexpr size_t kMaxReach = 256;
// Where Linux systems keep the authorities that they trust.
constexpr std::array<const char*, 3> kSystemRoots = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

// Set once there is one. Shared with the channel.
class Token {
 public:
  void Set(const std::string& token) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    header_ = "Bearer " + token;
  }
  std::string header() const ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    return header_;
  }

 private:
  mutable Mutex mutex_;
  std::string header_ ABSL_GUARDED_BY(mutex_);
};

// On the channel, not on calls: forwarded calls must have it, too. (gRPC's call credentials would
// do, but refuse channels without TLS.)
class TokenInterceptor : public grpc::experimental::Interceptor {
 public:
  explicit TokenInterceptor(std::string header) : header_(std::move(header)) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (!header_.empty() &&
        methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA))
      methods->GetSendInitialMetadata()->insert({"authorization", header_});
    methods->Proceed();
  }

 private:
  const std::string header_;
};

class TokenFactory : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenFactory(std::shared_ptr<const Token> token) : token_(std::move(token)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new TokenInterceptor(token_->header());
  }

 private:
  const std::shared_ptr<const Token> token_;
};

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  // gRPC would say that every machine is down.
  if (text.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    return InvalidArgument("tls_ca: " + path + " has no certificate in it: give a PEM file");
  return text;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const RemoteSettings& settings) {
  if (!settings.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  if (!settings.tls_ca.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(settings.tls_ca));
  } else {
    for (const char* path : kSystemRoots) {
      auto roots = ReadPem(path);
      if (!roots.ok()) continue;
      options.pem_root_certs = *std::move(roots);
      break;
    }
  }
  return grpc::SslCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const RemoteSettings& settings,
                                                           std::shared_ptr<const Token> token) {
  ASSIGN_OR_RETURN(const auto credentials, Credentials(settings));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(RpcClient::kMaxMessage);
  arguments.SetMaxSendMessageSize(RpcClient::kMaxMessage);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<TokenFactory>(std::move(token)));
  return grpc::experimental::CreateCustomChannelWithInterceptors(settings.target, credentials,
                                                                 arguments, std::move(factories));
}

absl::StatusOr<std::string> Authenticate(const Context& context, const RpcClient& client,
                                         const RemoteSettings& settings) {
  ::proto::rpc::v1::AuthenticateRequest request;
  request.set_entity(settings.entity);
  request.mutable_credentials()->set_type(settings.kind);
  request.mutable_credentials()->set_payload(settings.secret);
  ::proto::rpc::v1::AuthenticateResponse response;
  const absl::Status status = client.Call(
      context.WithTimeout(kCallTime), "proto.rpc.v1.AuthService/Authenticate", request, response);
  if (absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status))
    return absl::UnauthenticatedError(
        ToAbsl("it does not take the key \"" + settings.entity + "\": " + MessageOf(status)));
  RETURN_IF_ERROR(status);
  return response.access_token();
}

absl::StatusOr<std::chrono::nanoseconds> Duration(const Attributes& entry, const char* key,
                                                  std::chrono::nanoseconds standard) {
  ASSIGN_OR_RETURN(const std::string text, entry.String(key));
  if (text.empty()) return standard;
  const auto duration = ParseDuration(text);
  if (!duration.ok() || *duration < std::chrono::milliseconds(100))
    return entry.Error(key, "is not a duration like \"10s\", from \"100ms\"");
  return *duration;
}

absl::Status ReadAuth(const Attributes& entry, RemoteSettings& settings) {
  ASSIGN_OR_RETURN(const Attributes auth, entry.Object("auth"));
  ASSIGN_OR_RETURN(const Attributes credentials, auth.Object("credentials"));
  ASSIGN_OR_RETURN(settings.entity, auth.String("entity"));
  ASSIGN_OR_RETURN(settings.kind, credentials.String("type"));
  // What is wrong with a secret is told without it.
  const auto payload = credentials.String("payload");
  if (!payload.ok()) return InvalidArgument(credentials.PathOf("payload") + " is not a text");
  settings.secret = *payload;
  if (settings.kind.empty() != settings.secret.empty())
    return InvalidArgument(credentials.path() + ": type and payload go together");
  if (!settings.kind.empty() || !entry.Has("secret")) return absl::OkStatus();
  const auto secret = entry.String("secret");
  if (!secret.ok()) return InvalidArgument(entry.PathOf("secret") + " is not a text");
  settings.kind = "robot-location-secret";
  settings.secret = *secret;
  settings.entity = settings.target;
  return absl::OkStatus();
}

std::vector<std::string> SplitReach(std::string_view text) {
  std::vector<std::string> ids;
  while (!text.empty() && ids.size() < kMaxReach) {
    const size_t end = std::min(text.find(','), text.size());
    if (end > 0) ids.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return ids;
}

ResourceName ReadName(const viam::common::v1::ResourceName& message) {
  return {{message.namespace_(), message.type(), message.subtype()}, message.name()};
}

}  // namespace

absl::StatusOr<RemoteSettings> ReadRemote(const RemoteConfig& remote) {
  const Attributes entry(remote.json, remote.path);
  RemoteSettings settings;
  std::string_view address = remote.address;
  ASSIGN_OR_RETURN(const bool insecure, entry.Bool("insecure", false));
  settings.tls = !insecure;
  if (address.starts_with("http://")) {
    if (entry.Has("insecure") && !insecure)
      return entry.Error("insecure", "is false, and the address begins with http://");
    settings.tls = false;
    address.remove_prefix(7);
  } else if (address.starts_with("https://")) {
    address.remove_prefix(8);
  }
  while (address.ends_with('/')) address.remove_suffix(1);
  settings.target = address;
  const bool is_path = address.starts_with("unix:/");
  if (is_path) settings.tls = false;
  const size_t colon = address.rfind(':');
  if (!is_path && (colon == std::string_view::npos || address.ends_with(']')))
    settings.target += settings.tls ? ":443" : ":80";
  ASSIGN_OR_RETURN(settings.tls_ca, entry.String("tls_ca"));
  RETURN_IF_ERROR(ReadAuth(entry, settings));
  ASSIGN_OR_RETURN(settings.check_interval,
                   Duration(entry, "connection_check_interval", settings.check_interval));
  ASSIGN_OR_RETURN(settings.reconnect_interval,
                   Duration(entry, "reconnect_interval", settings.reconnect_interval));
  return settings;
}

absl::StatusOr<std::shared_ptr<RemoteConnection>> RemoteConnection::Open(
    const Context& context, const RemoteSettings& settings) {
  const auto token = std::make_shared<Token>();
  ASSIGN_OR_RETURN(auto channel, OpenChannel(settings, token));
  std::shared_ptr<RemoteConnection> connection(new RemoteConnection(std::move(channel)));
  if (settings.kind.empty()) return connection;
  ASSIGN_OR_RETURN(const std::string text, Authenticate(context, connection->client(), settings));
  token->Set(text);
  return connection;
}

absl::StatusOr<RemoteInventory> RemoteConnection::Look(const Context& context) const {
  proto::ResourceNamesResponse names;
  RpcClient::Header reach{kReachHeader, ""};
  RETURN_IF_ERROR(client_.Call(context.WithTimeout(kCallTime),
                               std::string(kRobot) + "ResourceNames", proto::ResourceNamesRequest(),
                               names, &reach));
  proto::ResourceRPCSubtypesResponse services;
  const absl::Status status =
      client_.Call(context.WithTimeout(kCallTime), std::string(kRobot) + "ResourceRPCSubtypes",
                   proto::ResourceRPCSubtypesRequest(), services);
  if (!absl::IsUnimplemented(status)) RETURN_IF_ERROR(status);
  RemoteInventory inventory;
  inventory.reach = SplitReach(reach.value);
  for (const auto& entry : services.resource_rpc_subtypes())
    inventory.services[ReadName(entry.subtype()).api] = entry.proto_service();
  for (const auto& name : names.resources()) {
    if (inventory.names.size() >= kMaxNames) break;
    inventory.names.push_back(ReadName(name));
    // Known APIs are what they are, whatever is said there.
    const Api& api = inventory.names.back().api;
    if (std::string known = ProtoServiceOf(api); !known.empty())
      inventory.services[api] = std::move(known);
  }
  return inventory;
}

std::shared_ptr<const ServiceDescription> RemoteConnection::Describe(
    const std::string& service) const {
  {
    const MutexLock lock(mutex_);
    const auto known = descriptions_.find(service);
    if (known != descriptions_.end()) return known->second;
  }
  auto description = ServiceDescription::Ask(Context(), client_, service);
  const MutexLock lock(mutex_);
  return descriptions_.emplace(service, std::move(description)).first->second;
}

bool RemoteConnection::Stands() const {
  const auto state = client_.channel()->GetState(/*try_to_connect=*/false);
  return state == GRPC_CHANNEL_READY;
}

}  // namespace bowerbird::machine
