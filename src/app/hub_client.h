// SPDX-License-Identifier: Apache-2.0
//
// How a command talks to a server: where it is, with which key, and the calls. Every command of
// that kind has --host, --api-key-id and --api-key, each of which may come from the environment.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/sync_stream.h"

namespace CLI {
class App;
}

namespace bowerbird::app {

struct HubFlags {
  std::string host;  // "http://localhost:8080", "https://…", "unix:/PATH"
  std::string api_key_id, api_key;
  // PEM file of the authorities whose certificates are taken; "" = those that the system trusts.
  std::string ca_certificate{};
};

// --host (BOWERBIRD_HOST), --api-key-id (BOWERBIRD_API_KEY_ID), --api-key (BOWERBIRD_API_KEY),
// --ca-cert (BOWERBIRD_CA_CERT).
void AddHubFlags(CLI::App& command, HubFlags& flags);

// "http://host[:port]" (clear text, 80), "https://host[:port]" (TLS, 443), "host:port" (clear
// text), "unix:/PATH". INVALID_ARGUMENT: none of these, or no certificate in that file.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& host,
                                                           const std::string& ca_certificate = "");

// Thread-safe. Errors carry the server's code; the message says which server.
class HubClient {
 public:
  // Authenticates where a key is given.
  static absl::StatusOr<std::unique_ptr<HubClient>> Connect(const HubFlags& flags);

  // `method`: "/viam.app.data.v1.DataService/TagsByFilter".
  template <typename Request, typename Response>
  absl::Status Call(const char* method, const Request& request, Response& response) const {
    grpc::ClientContext context;
    Prepare(context);
    const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
    return ToStatus(
        grpc::internal::BlockingUnaryCall(channel_.get(), rpc, &context, request, &response));
  }

  // `take` is called with each message; its error ends the call and is returned.
  template <typename Response, typename Request>
  absl::Status Read(const char* method, const Request& request,
                    const std::function<absl::Status(const Response&)>& take) const {
    grpc::ClientContext context;
    Prepare(context, /*limited=*/false);
    const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::SERVER_STREAMING);
    const std::unique_ptr<grpc::ClientReader<Response>> reader(
        grpc::internal::ClientReaderFactory<Response>::Create(channel_.get(), rpc, &context,
                                                              request));
    Response response;
    absl::Status taken;
    while (taken.ok() && reader->Read(&response)) taken = take(response);
    if (!taken.ok()) context.TryCancel();
    const grpc::Status status = reader->Finish();
    return taken.ok() ? ToStatus(status) : taken;
  }

  // `next` fills a message, or answers false at the end; its error cancels the call.
  template <typename Request, typename Response>
  absl::Status Write(const char* method, const std::function<absl::StatusOr<bool>(Request&)>& next,
                     Response& response) const {
    grpc::ClientContext context;
    Prepare(context, /*limited=*/false);
    const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::CLIENT_STREAMING);
    const std::unique_ptr<grpc::ClientWriter<Request>> writer(
        grpc::internal::ClientWriterFactory<Request>::Create(channel_.get(), rpc, &context,
                                                             &response));
    absl::StatusOr<bool> more = true;
    while (more.ok() && *more) {
      Request request;
      more = next(request);
      // A server that wants no more says why when the call is finished.
      if (more.ok() && *more && !writer->Write(request)) break;
    }
    if (more.ok()) {
      writer->WritesDone();
    } else {
      context.TryCancel();
    }
    const grpc::Status status = writer->Finish();
    return more.ok() ? ToStatus(status) : more.status();
  }

 private:
  HubClient(std::string host, std::shared_ptr<grpc::Channel> channel)
      : host_(std::move(host)), channel_(std::move(channel)) {}
  // `limited`: to two minutes; what streams may take as long as it moves.
  void Prepare(grpc::ClientContext& context, bool limited = true) const;
  absl::Status ToStatus(const grpc::Status& status) const;

  const std::string host_;
  const std::shared_ptr<grpc::Channel> channel_;  // shared with the calls under way
  std::string token_;
};

// The organization that the key is for (the first one, if it is for several), and the part that
// stands for this client's uploads: the main part of the first machine.
absl::StatusOr<std::string> OwnOrganization(const HubClient& hub);
absl::StatusOr<std::string> OwnPart(const HubClient& hub);

}  // namespace bowerbird::app
