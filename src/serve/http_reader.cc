// SPDX-License-Identifier: Apache-2.0
#include "serve/http_reader.h"

#include <algorithm>
#include <utility>

#include "boost/asio/buffer.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/string_body.hpp"

namespace bowerbird::serve {
namespace {

namespace http = boost::beast::http;

constexpr size_t kReadSize = 65536;

std::string LowerCase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return text;
}

HttpResponse FailureOf(const boost::system::error_code& error) {
  if (error == http::error::header_limit)
    return TextResponse(431, "the header of the request is too large\n");
  if (error == http::error::body_limit)
    return TextResponse(413, "the body of the request is too large\n");
  return TextResponse(400, "malformed request: " + error.message() + "\n");
}

}  // namespace

struct HttpReader::Parser {
  explicit Parser(size_t max_buffer) : buffer(max_buffer) {}

  boost::beast::flat_buffer buffer;
  std::optional<http::request_parser<http::string_body>> message;
};

HttpReader::HttpReader(size_t max_header)
    : max_header_(max_header), parser_(std::make_unique<Parser>(max_header + kReadSize)) {
  Reset();
}

HttpReader::~HttpReader() = default;

void HttpReader::Reset() {
  auto& message = parser_->message.emplace();
  message.header_limit(static_cast<uint32_t>(max_header_));
  // Content-Length is checked against the limit when the header is parsed; ours is set after it.
  message.body_limit(boost::none);
  header_seen_ = false;
  request_ = {};
}

void HttpReader::DropBytes() { parser_->buffer.consume(parser_->buffer.size()); }

std::span<char> HttpReader::Prepare() {
  auto& buffer = parser_->buffer;
  const size_t room = std::min(kReadSize, buffer.max_size() - buffer.size());
  const auto space = buffer.prepare(room);
  return {static_cast<char*>(space.data()), space.size()};
}

void HttpReader::Commit(size_t count) { parser_->buffer.commit(count); }

bool HttpReader::has_bytes() const { return parser_->buffer.size() > 0; }

HttpReader::Step HttpReader::Next() {
  auto& message = *parser_->message;
  auto& buffer = parser_->buffer;
  // The parser would make room for all of a body as soon as it is announced.
  if (header_seen_ && content_length_.value_or(0) > max_body_) {
    failure_ = FailureOf(http::make_error_code(http::error::body_limit));
    return Step::kFailed;
  }
  boost::system::error_code error;
  while (!message.is_done() && buffer.size() > 0) {
    const size_t used = message.put(buffer.data(), error);
    buffer.consume(used);
    if (error == http::error::need_more) {
      // Without progress there is no more to be had of these bytes.
      error = {};
      if (used == 0) break;
    }
    if (error) {
      failure_ = FailureOf(error);
      return Step::kFailed;
    }
    if (!header_seen_ && message.is_header_done()) break;
  }
  if (!header_seen_ && message.is_header_done()) {
    ReadHeader();
    return Step::kHeader;
  }
  if (message.is_done()) return Step::kRequest;
  // A header that fills the whole buffer will never end.
  if (buffer.size() == buffer.max_size()) {
    failure_ = FailureOf(http::make_error_code(http::error::header_limit));
    return Step::kFailed;
  }
  return Step::kNeedMore;
}

void HttpReader::ReadHeader() {
  auto& parser = *parser_->message;
  const auto& message = parser.get();
  header_seen_ = true;
  request_ = {};
  request_.method = std::string(message.method_string());
  request_.target = std::string(message.target());
  for (const auto& field : message) {
    request_.headers.emplace_back(LowerCase(std::string(field.name_string())),
                                  std::string(field.value()));
  }
  keep_alive_ = message.keep_alive();
  is_http_1_1_ = message.version() >= 11;
  expects_continue_ = LowerCase(std::string(request_.Header("expect"))) == "100-continue";
  content_length_.reset();
  if (const auto length = parser.content_length()) {
    content_length_ = *length;
  } else if (!parser.chunked()) {
    content_length_ = 0;
  }
  SetMaxBody(0);
  parser.eager(true);
}

void HttpReader::SetMaxBody(size_t bytes) {
  max_body_ = bytes;
  parser_->message->body_limit(uint64_t{bytes});
}

std::string HttpReader::TakeBody() { return std::move(parser_->message->get().body()); }

}  // namespace bowerbird::serve
