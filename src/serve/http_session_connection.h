// SPDX-License-Identifier: Apache-2.0
//
// The connection that ServeHttp makes (http_session.h). Internal to the port: only its own two
// source files include this, one for the connection, one for the calls on it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "boost/asio/post.hpp"
#include "serve/body_share.h"
#include "serve/grpc_web_response.h"
#include "serve/http_calls.h"
#include "serve/http_plain_call.h"
#include "serve/http_reader.h"
#include "serve/http_session.h"
#include "serve/out_queue.h"

namespace bowerbird::serve {

using boost::system::error_code;

class HttpSession final : public Connection,
                          public GrpcWebSink,
                          public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::unique_ptr<ByteStream> stream, std::string peer, HttpContext& context)
      : Connection(context.connections),
        context_(context),
        stream_(std::move(stream)),
        peer_(std::move(peer)),
        deadline_(stream_->executor()),
        reader_(context.limits.max_header),
        share_(context) {}

  void Start(std::string_view received) {
    if (!received.empty()) {
      const auto room = reader_.Prepare();
      std::memcpy(room.data(), received.data(), received.size());
      reader_.Commit(received.size());
    }
    AwaitRequest(context_.limits.header);
  }

  void Drain() override {
    asio::post(stream_->executor(), [self = shared_from_this()] {
      self->draining_ = true;
      if (self->state_ == State::kIdle || self->state_ == State::kReading) self->Close();
    });
  }

  void Abort() override {
    asio::post(stream_->executor(), [self = shared_from_this()] { self->Close(); });
  }

  // GrpcWebSink: on the bridge's thread.
  void OnHeaders(Headers metadata) override;
  void OnMessage(grpc::ByteBuffer message) override;
  void OnEnd(grpc::Status status, Headers trailing_metadata) override;

 private:
  enum class State {
    kIdle,       // between requests
    kReading,    // a request arrives
    kCalling,    // a call runs: of gRPC-Web, or one that is answered in plain HTTP
    kAnswering,  // the rest of an answer goes out
    kLingering,  // we have finished; the peer may still send what nobody reads
    kClosed
  };

  void AwaitRequest(std::chrono::nanoseconds patience);
  void Read();
  void OnRead(error_code error, size_t count);
  void Parse();
  bool AcceptHeader();
  void Dispatch();
  void DispatchCall();
  void DispatchPlainCall();
  void StartCall(GrpcWebCallOptions options);

  void SendHead(const HttpResponse& response, uint64_t length);
  void Respond(HttpResponse response, bool keep_alive);
  void RespondWithCors(HttpResponse response);
  bool is_plain_call() const { return plain_kind_ != PlainCallKind::kNone; }
  void SendPlainPiece(HttpPlainCall::Piece piece);
  void EndPlainCall(const absl::Status& status);
  void SendCallHead();
  void SendCallEnd(const absl::Status& status, const Headers& trailing_metadata);
  void Flush();
  void OnWritten(error_code error, size_t count);
  void ResumeCall();
  void Finish();
  void Close();
  void Arm(std::chrono::nanoseconds time);

  HttpContext& context_;
  const std::unique_ptr<ByteStream> stream_;
  const std::string peer_;
  Deadline deadline_;
  State state_ = State::kIdle;
  bool draining_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool keep_alive_ = false;

  HttpReader reader_;
  GrpcWebFormat format_ = GrpcWebFormat::kNone;      // of the request under way
  PlainCallKind plain_kind_ = PlainCallKind::kNone;  // so is this
  BodyShare share_;
  OutQueue out_;

  std::shared_ptr<GrpcWebCall> call_;  // also held by gRPC until it ends
  std::optional<GrpcWebResponse> response_;
  std::unique_ptr<HttpPlainCall> plain_;
  Headers call_headers_;
  bool resume_owed_ = false;  // a message came; the next one waits until it is written
};

}  // namespace bowerbird::serve
