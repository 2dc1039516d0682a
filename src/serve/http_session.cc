// SPDX-License-Identifier: Apache-2.0
#include "serve/http_session.h"

#include <cstring>
#include <utility>

#include "base/status.h"
#include "serve/http_session_connection.h"

namespace bowerbird::serve {
namespace {

// A body that belongs to no call is read and dropped, within reason.
constexpr size_t kMaxOtherBody = 65536;
// What the frames of a body may add to its messages.
constexpr size_t kFramingRoom = 65536;
constexpr std::chrono::nanoseconds kLinger = std::chrono::seconds(1);

}  // namespace

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
  const bool in_body =
      state_ == State::kReading && (format_ != GrpcWebFormat::kNone || is_plain_call());
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
  plain_kind_ = format_ == GrpcWebFormat::kNone ? PlainCallKindOf(request) : PlainCallKind::kNone;
  size_t limit = kMaxOtherBody;
  if (format_ != GrpcWebFormat::kNone || plain_kind_ == PlainCallKind::kKServe)
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
  if (is_plain_call()) return DispatchPlainCall();
  const HttpRequest& request = reader_.request();
  HttpResponse response = context_.routes.Handle(request);
  Respond(std::move(response), keep_alive_);
}

void HttpSession::SendHead(const HttpResponse& response, uint64_t length) {
  keep_alive_ = keep_alive_ && !draining_;
  Headers framing;
  // 304 and 204 have no body; saying the length of one confuses some clients.
  if (response.status != 304 && response.status != 204)
    framing.emplace_back("content-length", std::to_string(length));
  out_.Append(SerializeHead(response, framing, keep_alive_));
}

void HttpSession::Respond(HttpResponse response, bool keep_alive) {
  keep_alive_ = keep_alive;
  SendHead(response, response.body.size());
  if (reader_.request().method != "HEAD") out_.Append(std::move(response.body));
  state_ = State::kAnswering;
  Flush();
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

void HttpSession::Finish() {
  response_.reset();
  plain_.reset();
  share_.Release();
  format_ = GrpcWebFormat::kNone;
  plain_kind_ = PlainCallKind::kNone;
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

void ServeHttp(std::unique_ptr<ByteStream> stream, std::string peer, std::string_view received,
               HttpContext& context) {
  auto session = std::make_shared<HttpSession>(std::move(stream), std::move(peer), context);
  context.connections.Add(session);
  session->Start(received);
}

}  // namespace bowerbird::serve
