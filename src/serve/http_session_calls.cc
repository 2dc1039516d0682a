// SPDX-License-Identifier: Apache-2.0
//
// The calls that an HTTP connection carries, on their way in and out.
#include "base/status.h"
#include "serve/http_session_connection.h"

namespace bowerbird::serve {

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

void HttpSession::DispatchPlainCall() {
  const HttpRequest& request = reader_.request();
  if (!context_.routes.origins().Allows(request.Header("origin")))
    return Respond(context_.routes.RefuseOrigin(), keep_alive_);
  auto options = plain_kind_ == PlainCallKind::kDownload
                     ? DownloadCallOf(context_.routes, request, plain_)
                     : KServeCallOf(context_.routes, request, reader_.TakeBody(),
                                    context_.limits.max_message, plain_);
  if (!options.ok()) return RespondWithCors(PlainCallFailure(plain_kind_, options.status()));
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
               if (self->state_ == State::kClosed || self->is_plain_call()) return;
               self->call_headers_ = std::move(metadata);
               self->SendCallHead();
               self->Flush();
             });
}

void HttpSession::OnMessage(grpc::ByteBuffer message) {
  asio::post(stream_->executor(), [self = shared_from_this(), message = std::move(message)] {
    self->resume_owed_ = true;
    if (self->state_ == State::kClosed) return self->ResumeCall();
    if (self->is_plain_call()) {
      auto piece = self->plain_->Message(message);
      return piece.ok() ? self->SendPlainPiece(*std::move(piece)) : self->Close();
    }
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
    if (self->is_plain_call()) return self->EndPlainCall(ended);
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

void HttpSession::RespondWithCors(HttpResponse response) {
  context_.routes.AddCors(reader_.request(), response);
  Respond(std::move(response), keep_alive_);
}

void HttpSession::SendPlainPiece(HttpPlainCall::Piece piece) {
  if (piece.head.has_value()) {
    context_.routes.AddCors(reader_.request(), *piece.head);
    SendHead(*piece.head, piece.content_length);
  }
  if (reader_.request().method != "HEAD") out_.Append(std::move(piece.body));
  Flush();
}

void HttpSession::EndPlainCall(const absl::Status& status) {
  auto whole = plain_->End(status);
  if (whole.has_value()) return RespondWithCors(*std::move(whole));
  // The client knows by the length that something is missing.
  if (!status.ok()) return Close();
  state_ = State::kAnswering;
  Flush();
}

void HttpSession::ResumeCall() {
  if (std::exchange(resume_owed_, false) && call_ != nullptr) call_->Resume();
}

}  // namespace bowerbird::serve
