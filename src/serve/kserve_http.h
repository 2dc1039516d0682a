// SPDX-License-Identifier: Apache-2.0
//
// KServe's protocol v2 over HTTP, as calls of inference.GRPCInferenceService (kserve_rpc.h): so the
// one gate, with its credentials, limits and metrics, is in front of both. Pure; no connection.
//
//   GET  /v2/health/live, /v2/health/ready     open to all, like /healthz
//   GET  /v2                                   the server
//   GET  /v2/models/M[/versions/V][/ready]     a model
//   POST /v2/models/M[/versions/V]/infer       JSON and binary tensors
//
// Failures are {"error": "..."} with a status of the 400s or 500s.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "infer/remote/message.h"
#include "serve/http_message.h"
#include "serve/http_plain_call.h"

namespace bowerbird::serve {

// "/v2", or an address below it: nothing else of this server lives there.
bool IsKServePath(std::string_view target);

struct KServeRoute {
  enum class Kind { kLive, kReady, kServer, kModel, kModelReady, kInfer };

  Kind kind = Kind::kServer;
  std::string model, version;

  // Live and ready ask for no credentials.
  bool is_open() const { return kind == Kind::kLive || kind == Kind::kReady; }
  // "/inference.GRPCInferenceService/ModelInfer"
  std::string method() const;

  // NOT_FOUND: no address of the protocol. UNIMPLEMENTED: one that wants another HTTP method.
  static absl::StatusOr<KServeRoute> Parse(const HttpRequest& request);
};

// One request to an address of the protocol.
class KServeHttpCall : public HttpPlainCall {
 public:
  // INVALID_ARGUMENT and UNIMPLEMENTED: what is wrong with the body. RESOURCE_EXHAUSTED: the
  // message would be larger than `max_message`.
  static absl::StatusOr<KServeHttpCall> Make(KServeRoute route, const HttpRequest& request,
                                             std::string_view body, size_t max_message);

  const KServeRoute& route() const { return route_; }
  const grpc::ByteBuffer& message() const { return message_; }

  absl::StatusOr<Piece> Message(const grpc::ByteBuffer& message) override {
    answer_ = message;
    return Piece();
  }
  std::optional<HttpResponse> End(const absl::Status& status) override {
    return Answer(status, answer_);
  }

  // What the client gets: `answer` is the message of a call that ended with OK.
  HttpResponse Answer(const absl::Status& status, const grpc::ByteBuffer& answer) const;

 private:
  explicit KServeHttpCall(KServeRoute route) : route_(std::move(route)) {}

  absl::Status ReadInfer(const HttpRequest& request, std::string_view body, size_t max_message);
  absl::StatusOr<HttpResponse> InferAnswer(const grpc::ByteBuffer& message) const;
  bool IsBinary(const std::string& output) const;

  KServeRoute route_;
  grpc::ByteBuffer message_, answer_;
  std::vector<infer::remote::RequestedOutput> requested_;
  bool binary_output_ = false;
};

// {"error": message} with the HTTP status of the code.
HttpResponse KServeFailure(const absl::Status& status);

}  // namespace bowerbird::serve
