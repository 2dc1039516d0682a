// SPDX-License-Identifier: Apache-2.0
#include "serve/http_session.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "boost/asio/post.hpp"
#include "serve/body_share.h"
#include "serve/grpc_web_response.h"
#include "serve/http_calls.h"
#include "serve/http_reader.h"
#include "serve/kserve_http.h"
#include "serve/out_queue.h"

namespace bowerbird::serve {
namespace {

using boost::system::error_code;

// A body that belongs to no call is read and dropped, within reason.
constexpr size_t kMaxOtherBody = 65536;
// What the frames of a body may add to its messages.
constexpr size_t kFramingRoom = 65536;
constexpr std::chrono::nanoseconds kLinger = std::chrono::seconds(1);

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
    kCalling,    // a call runs: of gRPC-Web, or of KServe's protocol
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
  void DispatchKServe();
  void StartCall(GrpcWebCallOptions options);

  void Respond(HttpResponse response, bool keep_alive);
  void RespondKServe(HttpResponse response);
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
  GrpcWebFormat format_ = GrpcWebFormat::kNone;  // of the request under way
  bool is_kserve_ = false;                       // so is this
  BodyShare share_;
  OutQueue out_;

  std::shared_ptr<GrpcWebCall> call_;  // also held by gRPC until it ends
  std::optional<GrpcWebResponse> response_;
  std::optional<KServeHttpCall> kserve_;
  grpc::ByteBuffer kserve_answer_;
  Headers call_headers_;
  bool resume_owed_ = false;  // a message came; the next one waits until it is written
};

void HttpSession::Arm(std::chrono::nanoseconds time) {
  deadline_.Arm(time, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Close();
  });
}

void HttpSession::AwaitRequest(std::chrono::nanoseconds patience) {
  state_ = State::kIdle;
  if (draining_) return Close();
  if (reader_.has_bytes()) return Parse();
  Arm(patience);
  Read();
}

// One read may stay under way while a call runs, and beyond it: it tells when the client goes away,
// or brings its next request.
void HttpSession::Read() {
  if (reading_ || state_ == State::kClosed) return;
  reading_ = true;
  const auto room = reader_.Prepare();
  stream_->ReadSome(asio::buffer(room.data(), room.size()),
                    [self = shared_from_this()](error_code error, size_t count) {
                      self->reading_ = false;
                      self->OnRead(error, count);
                    });
}

void HttpSession::OnRead(error_code error, size_t count) {
  if (state_ == State::kClosed) return;
  if (error) return Close();
  if (state_ == State::kLingering) return Read();
  reader_.Commit(count);
  if (state_ == State::kIdle || state_ == State::kReading) Parse();
}

void HttpSession::Parse() {
  // The clock of a header starts with its first byte and is not set back by the next one.
  if (state_ == State::kIdle) Arm(context_.limits.header);
  const bool in_body = state_ == State::kReading && (format_ != GrpcWebFormat::kNone || is_kserve_);
  state_ = State::kReading;
  for (;;) {
    switch (reader_.Next()) {
      case HttpReader::Step::kNeedMore:
        if (in_body) Arm(context_.limits.stall);
        return Read();
      case HttpReader::Step::kFailed:
        return Respond(reader_.failure(), /*keep_alive=*/false);
      case HttpReader::Step::kHeader:
        if (!AcceptHeader()) return;
        break;
      case HttpReader::Step::kRequest:
        return Dispatch();
    }
  }
}

// False when the request was answered from its header alone.
bool HttpSession::AcceptHeader() {
  const HttpRequest& request = reader_.request();
  format_ = request.method == "POST" ? GrpcWebFormatOf(request.Header("content-type"))
                                     : GrpcWebFormat::kNone;
  is_kserve_ = format_ == GrpcWebFormat::kNone && IsKServePath(request.target) &&
               request.method != "OPTIONS";
  size_t limit = kMaxOtherBody;
  if (format_ != GrpcWebFormat::kNone || is_kserve_)
    limit = context_.limits.max_message + kFramingRoom;
  if (format_ == GrpcWebFormat::kText) limit = limit / 3 * 4 + 4;
  const uint64_t expected = reader_.content_length().value_or(limit);
  if (expected > limit) {
    const std::string text = "the body is larger than " + std::to_string(limit) + " bytes\n";
    Respond(TextResponse(413, text), /*keep_alive=*/false);
    return false;
  }
  if (!share_.Take(static_cast<size_t>(expected))) {
    Respond(TextResponse(503, "too many large requests at once: try again\n"), false);
    return false;
  }
  reader_.SetMaxBody(limit);
  if (reader_.expects_continue() && reader_.is_http_1_1() && expected > 0) {
    out_.Append(std::string("HTTP/1.1 100 Continue\r\n\r\n"));
    Flush();
  }
  return true;
}

void HttpSession::Dispatch() {
  keep_alive_ = reader_.keep_alive();
  if (format_ != GrpcWebFormat::kNone) return DispatchCall();
  if (is_kserve_) return DispatchKServe();
  const HttpRequest& request = reader_.request();
  HttpResponse response = context_.routes.Handle(request);
  Respond(std::move(response), keep_alive_);
}

void HttpSession::DispatchCall() {
  const HttpRequest& request = reader_.request();
  if (!context_.routes.origins().Allows(request.Header("origin")))
    return Respond(context_.routes.RefuseOrigin(), keep_alive_);
  if (!IsRpcPath(request.target)) {
    return Respond(TextResponse(404, "the address of a call is /package.Service/Method\n"),
                   keep_alive_);
  }
  response_.emplace(format_, reader_.is_http_1_1());
  // Without chunks only the end of the connection ends the body.
  keep_alive_ = keep_alive_ && reader_.is_http_1_1();
  call_headers_.clear();
  auto options = GrpcWebCallOf(request, format_, reader_.TakeBody(), context_.limits.max_message);
  if (!options.ok()) return SendCallEnd(options.status(), {});
  StartCall(*std::move(options));
}

void HttpSession::DispatchKServe() {
  const HttpRequest& request = reader_.request();
  if (!context_.routes.origins().Allows(request.Header("origin")))
    return Respond(context_.routes.RefuseOrigin(), keep_alive_);
  auto options = KServeCallOf(context_.routes, request, reader_.TakeBody(),
                              context_.limits.max_message, kserve_);
  if (!options.ok()) return RespondKServe(KServeFailure(options.status()));
  StartCall(*std::move(options));
}

void HttpSession::StartCall(GrpcWebCallOptions options) {
  options.peer = peer_;
  state_ = State::kCalling;
  deadline_.Disarm();
  call_ = context_.bridge.Start(std::move(options), shared_from_this());
  Read();
}

void HttpSession::OnHeaders(Headers metadata) {
  asio::post(stream_->executor(),
             [self = shared_from_this(), metadata = std::move(metadata)]() mutable {
               if (self->state_ == State::kClosed || self->is_kserve_) return;
               self->call_headers_ = std::move(metadata);
               self->SendCallHead();
               self->Flush();
             });
}

void HttpSession::OnMessage(grpc::ByteBuffer message) {
  asio::post(stream_->executor(), [self = shared_from_this(), message = std::move(message)] {
    self->resume_owed_ = true;
    if (self->is_kserve_) self->kserve_answer_ = message;
    if (self->state_ == State::kClosed || self->is_kserve_) return self->ResumeCall();
    self->SendCallHead();
    if (!self->response_->Message(message, self->out_).ok()) return self->Close();
    self->Flush();
  });
}

void HttpSession::OnEnd(grpc::Status status, Headers trailing_metadata) {
  asio::post(stream_->executor(), [self = shared_from_this(), status = std::move(status),
                                   trailing = std::move(trailing_metadata)] {
    self->call_.reset();
    if (self->state_ == State::kClosed) return;
    const absl::Status ended(static_cast<absl::StatusCode>(status.error_code()),
                             ToAbsl(status.error_message()));
    if (self->is_kserve_)
      return self->RespondKServe(self->kserve_->Answer(ended, self->kserve_answer_));
    self->SendCallEnd(ended, trailing);
  });
}

void HttpSession::SendCallHead() {
  if (response_->head_sent()) return;
  Headers headers = ToHttpHeaders(call_headers_);
  const Headers cors = context_.routes.CorsHeaders(reader_.request(), headers);
  headers.insert(headers.end(), cors.begin(), cors.end());
  response_->Head(headers, keep_alive_ && !draining_, out_);
}

void HttpSession::SendCallEnd(const absl::Status& status, const Headers& trailing_metadata) {
  SendCallHead();
  response_->End(
      GrpcWebTrailers(static_cast<int>(status.code()), MessageOf(status), trailing_metadata), out_);
  state_ = State::kAnswering;
  Flush();
}

void HttpSession::Respond(HttpResponse response, bool keep_alive) {
  keep_alive_ = keep_alive && !draining_;
  Headers framing;
  // 304 and 204 have no body; saying the length of one confuses some clients.
  if (response.status != 304 && response.status != 204)
    framing.emplace_back("content-length", std::to_string(response.body.size()));
  out_.Append(SerializeHead(response, framing, keep_alive_));
  if (reader_.request().method != "HEAD") out_.Append(std::move(response.body));
  state_ = State::kAnswering;
  Flush();
}

void HttpSession::RespondKServe(HttpResponse response) {
  const Headers cors = context_.routes.CorsHeaders(reader_.request(), response.headers);
  response.headers.insert(response.headers.end(), cors.begin(), cors.end());
  Respond(std::move(response), keep_alive_);
}

void HttpSession::Flush() {
  if (writing_ || state_ == State::kClosed) return;
  if (out_.empty()) {
    ResumeCall();
    if (state_ == State::kAnswering) Finish();
    return;
  }
  writing_ = true;
  // A client that takes nothing is as gone as one that sends nothing.
  Arm(context_.limits.stall);
  stream_->WriteSome(out_.Take(), [self = shared_from_this()](error_code error, size_t count) {
    self->writing_ = false;
    self->OnWritten(error, count);
  });
}

void HttpSession::OnWritten(error_code error, size_t count) {
  if (state_ == State::kClosed) return;
  if (error) return Close();
  out_.Consume(count);
  if (out_.empty() && state_ == State::kCalling) deadline_.Disarm();
  Flush();
}

void HttpSession::ResumeCall() {
  if (std::exchange(resume_owed_, false) && call_ != nullptr) call_->Resume();
}

void HttpSession::Finish() {
  response_.reset();
  kserve_.reset();
  kserve_answer_.Clear();
  share_.Release();
  format_ = GrpcWebFormat::kNone;
  if (keep_alive_) {
    reader_.Reset();
    return AwaitRequest(context_.limits.idle);
  }
  // Closing with unread bytes in the socket would make the kernel throw away our answer.
  state_ = State::kLingering;
  reader_.DropBytes();
  Arm(kLinger);
  stream_->FinishSending([self = shared_from_this()] {
    if (self->state_ == State::kLingering) self->Read();
  });
}

void HttpSession::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  deadline_.Disarm();
  stream_->Close();
  if (call_ != nullptr) call_->Cancel();
  ResumeCall();
}

}  // namespace

void ServeHttp(std::unique_ptr<ByteStream> stream, std::string peer, std::string_view received,
               HttpContext& context) {
  auto session = std::make_shared<HttpSession>(std::move(stream), std::move(peer), context);
  context.connections.Add(session);
  session->Start(received);
}

}  // namespace bowerbird::serve
