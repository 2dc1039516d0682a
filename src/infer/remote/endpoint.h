// SPDX-License-Identifier: Apache-2.0
//
// Where a remote model is, as a config says it.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::infer::remote {

enum class Protocol { kGrpc, kHttp };

// "grpc://host:8001", "http://host:8000/prefix", "https://host", "host:8001" (gRPC).
struct Endpoint {
  Protocol protocol = Protocol::kGrpc;
  bool tls = false;
  std::string authority;  // "host:8001", always with a port
  std::string path;       // before "/v2"; "" or "/prefix"; gRPC has none

  // `protocol`: "grpc" or "http" overrides what the scheme says ("https" with "grpc" is gRPC under
  // TLS); "" leaves it. INVALID_ARGUMENT says what is wrong with the URL.
  static absl::StatusOr<Endpoint> Parse(const std::string& url, const std::string& protocol = "");

  // "grpc://host:8001"
  std::string ToString() const;
};

struct RemoteOptions {
  Endpoint endpoint;
  std::string model;
  std::string version;  // "": the server chooses
  std::string ca_file;  // PEM; "": the system's
  // Sent with every request: {"authorization", "Bearer ..."}. See CheckHeader.
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> labels;  // of the model; such servers have none
  bool json = false;                // HTTP: tensors as JSON, for servers without binary tensors

  int instances = 8;  // requests under way at once
  int max_waiting = 64;
  // Of one request, whatever its own deadline: a server that says nothing for longer is gone.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  // Of a request's tensors, and of an answer.
  size_t max_message = size_t{128} << 20;
};

// INVALID_ARGUMENT where HTTP or gRPC could not carry the header, or it is one of their own.
absl::Status CheckHeader(const std::string& name, const std::string& value);

// `segment` as one segment of a URL's path.
std::string PathSegment(const std::string& segment);

}  // namespace bowerbird::infer::remote
