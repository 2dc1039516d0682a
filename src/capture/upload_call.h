// SPDX-License-Identifier: Apache-2.0
//
// Single gRPC calls to a hub, for the .cc files of this room only: the wire is known here by its
// messages, without generated stubs.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "capture/uploader.h"

namespace google::protobuf {
class Message;
}

namespace bowerbird::capture {

inline constexpr char kDataSyncService[] = "viam.app.datasync.v1.DataSyncService";

// Blocks until the answer or the end of the context.
absl::Status CallUnary(grpc::Channel& channel, const std::string& service,
                       const std::string& method, grpc::ClientContext& context,
                       const google::protobuf::Message& request,
                       google::protobuf::Message& response);

// A context with deadline and credentials, which Uploader::Cancel reaches while it lives.
class Uploader::Call {
 public:
  // `bytes` of content decide how long it may take.
  Call(Uploader& uploader, const std::string& token, uint64_t bytes);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  grpc::ClientContext& context() { return *context_; }

 private:
  Uploader& uploader_;
  const std::unique_ptr<grpc::ClientContext> context_;
};

// One upload in pieces. A stream that is left before Finish is cancelled: the hub must not take
// what it has got for the whole.
template <typename Request, typename Response>
class ClientStream {
 public:
  ClientStream(grpc::Channel& channel, const std::string& method, grpc::ClientContext& context);
  ~ClientStream();
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  bool Write(const Request& request);  // false: Finish says why
  absl::Status Finish();
  const Response& response() const { return response_; }

 private:
  struct Writer;

  grpc::ClientContext& context_;
  Response response_;
  const std::string path_;
  std::unique_ptr<Writer> writer_;
  bool complete_ = true;  // every Write went out
  bool finished_ = false;
};

}  // namespace bowerbird::capture
