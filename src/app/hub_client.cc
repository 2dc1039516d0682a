// SPDX-License-Identifier: Apache-2.0
#include "app/hub_client.h"

#include <string_view>

#include "CLI/CLI.hpp"
#include "app/v1/app.pb.h"
#include "base/file_system.h"
#include "base/status.h"
#include "proto/rpc/v1/auth.pb.h"

namespace bowerbird::app {
namespace {

namespace proto = viam::app::v1;

constexpr std::chrono::seconds kCallLimit{120};
constexpr int kLargestMessage = 64 << 20;
// A server that comes back is found again within seconds; gRPC's default waits two minutes.
constexpr int kFirstReconnectMs = 200;
constexpr int kLongestReconnectMs = 5000;
constexpr int kKeepaliveMs = 30'000;

// "host" becomes "host:port".
std::string WithPort(std::string_view host, std::string_view port) {
  while (host.ends_with('/')) host.remove_suffix(1);
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        (host.find(':') == colon || (colon > 0 && host[colon - 1] == ']'));
  return has_port ? std::string(host) : std::string(host) + ":" + std::string(port);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(
    const std::string& ca_certificate) {
  grpc::SslCredentialsOptions options;
  if (!ca_certificate.empty()) {
    const auto files = MakeFileSystem();
    auto text = ReadFile(*files, ca_certificate);
    RETURN_IF_ERROR(Annotate(text.status(), "the certificate of the authority"));
    // gRPC would say that every server is down.
    if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos)
      return InvalidArgument(ca_certificate + " has no certificate in it: give a PEM file");
    options.pem_root_certs = *std::move(text);
  }
  return grpc::SslCredentials(options);
}

}  // namespace

void AddHubFlags(CLI::App& command, HubFlags& flags) {
  flags.host = "http://localhost:8080";
  command.add_option("--host", flags.host, "The server, e.g. https://hub.example:8443")
      ->envname("BOWERBIRD_HOST")
      ->capture_default_str();
  command.add_option("--api-key-id", flags.api_key_id, "As `bowerbird key create` showed it")
      ->envname("BOWERBIRD_API_KEY_ID");
  command.add_option("--api-key", flags.api_key, "Its secret; better in the environment")
      ->envname("BOWERBIRD_API_KEY");
  command
      .add_option(
          "--ca-cert", flags.ca_certificate,
          "Certificate of the authority that signed the server's (PEM); default: those that "
          "the system trusts")
      ->envname("BOWERBIRD_CA_CERT");
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& host,
                                                           const std::string& ca_certificate) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kLargestMessage);
  arguments.SetMaxSendMessageSize(kLargestMessage);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  const std::string_view text = host;
  constexpr std::string_view kClear = "http://", kTls = "https://", kUnix = "unix:/";
  if (text.starts_with(kTls) && text.size() > kTls.size()) {
    ASSIGN_OR_RETURN(const auto credentials, TlsCredentials(ca_certificate));
    return grpc::CreateCustomChannel(WithPort(text.substr(kTls.size()), "443"), credentials,
                                     arguments);
  }
  std::string target;
  if (text.starts_with(kUnix)) {
    target = host;
  } else if (text.starts_with(kClear) && text.size() > kClear.size()) {
    target = WithPort(text.substr(kClear.size()), "80");
  } else if (!text.empty() && text.find("://") == std::string_view::npos &&
             text.find(':') != std::string_view::npos) {
    target = host;
  } else {
    return InvalidArgument("\"" + host +
                           "\" is no server: give http://HOST:PORT, https://HOST:PORT or "
                           "unix:/PATH");
  }
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

absl::StatusOr<std::unique_ptr<HubClient>> HubClient::Connect(const HubFlags& flags) {
  if (flags.api_key.empty() != flags.api_key_id.empty())
    return InvalidArgument("an API key has two halves: give --api-key-id and --api-key");
  ASSIGN_OR_RETURN(auto channel, OpenChannel(flags.host, flags.ca_certificate));
  std::unique_ptr<HubClient> client(new HubClient(flags.host, std::move(channel)));
  if (flags.api_key.empty()) return client;
  ::proto::rpc::v1::AuthenticateRequest request;
  request.set_entity(flags.api_key_id);
  request.mutable_credentials()->set_type("api-key");
  request.mutable_credentials()->set_payload(flags.api_key);
  ::proto::rpc::v1::AuthenticateResponse response;
  RETURN_IF_ERROR(client->Call("/proto.rpc.v1.AuthService/Authenticate", request, response));
  client->token_ = response.access_token();
  return client;
}

void HubClient::Prepare(grpc::ClientContext& context, bool limited) const {
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
  if (limited) context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
}

absl::Status HubClient::ToStatus(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  std::string message = host_ + ": " + status.error_message();
  if (status.error_message().find("certificate verify failed") != std::string::npos)
    message += ": its certificate is not trusted: give that of its authority with --ca-cert";
  else if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
    message += ": is `bowerbird serve` running there? Choose another server with --host";
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED)
    message += ": give --api-key-id and --api-key (`bowerbird key create` makes them)";
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), ToAbsl(message));
}

absl::StatusOr<std::string> OwnOrganization(const HubClient& hub) {
  proto::ListOrganizationsResponse response;
  RETURN_IF_ERROR(hub.Call("/viam.app.v1.AppService/ListOrganizations",
                           proto::ListOrganizationsRequest(), response));
  if (response.organizations().empty())
    return NotFound("the key is for no organization: use another one");
  return response.organizations(0).id();
}

absl::StatusOr<std::string> OwnPart(const HubClient& hub) {
  proto::ListRobotsForOrgRequest robots_request;
  ASSIGN_OR_RETURN(*robots_request.mutable_org_id(), OwnOrganization(hub));
  proto::ListRobotsForOrgResponse robots;
  RETURN_IF_ERROR(hub.Call("/viam.app.v1.AppService/ListRobotsForOrg", robots_request, robots));
  if (robots.robots().empty())
    return NotFound("the organization has no machine: name a part with --part-id");
  proto::GetRobotPartsRequest parts_request;
  parts_request.set_robot_id(robots.robots(0).id());
  proto::GetRobotPartsResponse parts;
  RETURN_IF_ERROR(hub.Call("/viam.app.v1.AppService/GetRobotParts", parts_request, parts));
  for (const proto::RobotPart& part : parts.parts()) {
    if (part.main_part()) return part.id();
  }
  return NotFound("machine " + robots.robots(0).id() +
                  " has no main part: name a part with --part-id");
}

}  // namespace bowerbird::app
