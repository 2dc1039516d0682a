// SPDX-License-Identifier: Apache-2.0
#include "serve/download_http.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>
#include <vector>

#include "base/status.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "serve/download_links.h"

namespace bowerbird::serve {
namespace {

// Types that a browser shows without running anything.
constexpr std::array<std::string_view, 14> kShownInPlace = {
    "image/jpeg", "image/png",  "image/gif", "image/webp", "image/bmp",  "image/avif", "video/mp4",
    "video/webm", "audio/mpeg", "audio/wav", "audio/ogg",  "audio/flac", "text/plain", "text/csv"};

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The tag in "\"abc\"", and in "W/\"abc\"" where weak ones count; "" if it is none.
std::string_view TagIn(std::string_view text, bool weak_counts) {
  text = Trimmed(text);
  if (weak_counts && text.substr(0, 2) == "W/") text.remove_prefix(2);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return "";
  return text.substr(1, text.size() - 2);
}

void ReadConditions(const HttpRequest& request, v1::ReadFileRequest& file) {
  std::string_view known = request.Header("if-none-match");
  while (!known.empty()) {
    const std::string_view one = known.substr(0, known.find(','));
    known.remove_prefix(std::min(one.size() + 1, known.size()));
    const std::string_view tag = Trimmed(one) == "*" ? "*" : TagIn(one, /*weak_counts=*/true);
    if (!tag.empty()) file.add_if_none_match(std::string(tag));
  }
  const auto range = ParseRange(request.Header("range"));
  // A range counts for GET only.
  if (!range.has_value() || request.method != "GET") return;
  const std::string_view condition = request.Header("if-range");
  if (!condition.empty()) {
    const std::string_view tag = TagIn(condition, /*weak_counts=*/false);
    // A date, which nobody has got from here, or a weak tag: the whole file.
    if (tag.empty()) return;
    file.set_if_range(std::string(tag));
  }
  *file.mutable_range() = *range;
}

bool ReadNumber(std::string_view text, uint64_t& number) {
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  return !text.empty() && error == std::errc() && last == end;
}

// RFC 6266: a name that every client reads, and the true one in UTF-8.
std::string Disposition(const v1::FileHead& head) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const bool in_place = std::find(kShownInPlace.begin(), kShownInPlace.end(), head.mime_type()) !=
                        kShownInPlace.end();
  std::string plain, encoded;
  for (const char c : head.file_name()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool simple = std::isalnum(byte) != 0 || c == '.' || c == '-' || c == '_';
    plain += simple || c == ' ' ? c : '_';
    if (simple) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return std::string(in_place ? "inline" : "attachment") + "; filename=\"" + plain +
         "\"; filename*=UTF-8''" + encoded;
}

// A type as it may stand in a header; anything odd is nothing that is known.
std::string ContentType(const std::string& type) {
  const bool legal = !type.empty() && std::all_of(type.begin(), type.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/+-.;= ").find(c) != std::string_view::npos;
  });
  return legal ? type : "application/octet-stream";
}

int StatusOf(const v1::FileHead& head) {
  if (head.not_modified()) return 304;
  if (head.out_of_range()) return 416;
  return head.partial() ? 206 : 200;
}

HttpResponse HeadOf(const v1::FileHead& head, bool is_signed) {
  HttpResponse response;
  response.status = StatusOf(head);
  Headers& headers = response.headers;
  headers.emplace_back("etag", "\"" + head.tag() + "\"");
  // Content never changes under its address, but who may see it does.
  headers.emplace_back("cache-control", "private, no-cache");
  headers.emplace_back("accept-ranges", "bytes");
  headers.emplace_back("x-content-type-options", "nosniff");
  headers.emplace_back("referrer-policy", "no-referrer");
  headers.emplace_back("content-security-policy",
                       "sandbox; default-src 'none'; style-src 'unsafe-inline'");
  // A link that was given away may be used on other pages; an address that needs credentials not.
  headers.emplace_back("cross-origin-resource-policy", is_signed ? "cross-origin" : "same-origin");
  const std::string size = std::to_string(head.size());
  if (head.out_of_range()) headers.emplace_back("content-range", "bytes */" + size);
  if (head.not_modified() || head.out_of_range()) return response;
  headers.emplace_back("content-type", ContentType(head.mime_type()));
  headers.emplace_back("content-disposition", Disposition(head));
  if (head.partial()) {
    headers.emplace_back("content-range", "bytes " + std::to_string(head.first()) + "-" +
                                              std::to_string(head.first() + head.length() - 1) +
                                              "/" + size);
  }
  return response;
}

template <typename Message>
grpc::ByteBuffer ToBytes(const Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  grpc::SerializationTraits<Message>::Serialize(message, &buffer, &own);
  return buffer;
}

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:       // a server without stored data
    case absl::StatusCode::kFailedPrecondition:  // a preview of what is no picture
      return 404;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

}  // namespace

std::optional<v1::ByteRange> ParseRange(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  if (header.substr(0, kUnit.size()) != kUnit) return std::nullopt;
  const std::string_view text = Trimmed(header.substr(kUnit.size()));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  uint64_t first = 0, last = 0;
  const std::string_view from = text.substr(0, dash);
  const std::string_view to = text.substr(dash + 1);
  v1::ByteRange range;
  if (from.empty()) {
    if (!ReadNumber(to, last)) return std::nullopt;
    range.set_suffix(last);
    return range;
  }
  if (!ReadNumber(from, first)) return std::nullopt;
  range.set_first(first);
  if (to.empty()) return range;
  if (!ReadNumber(to, last) || last < first) return std::nullopt;
  range.set_last(last);
  return range;
}

HttpResponse DownloadFailure(const absl::Status& status) {
  HttpResponse response = TextResponse(HttpStatusOf(status.code()), MessageOf(status) + "\n");
  response.headers.emplace_back("cache-control", "no-store");
  response.headers.emplace_back("x-content-type-options", "nosniff");
  if (response.status == 401)
    response.headers.emplace_back("www-authenticate", "Basic realm=\"bowerbird\"");
  return response;
}

absl::StatusOr<std::unique_ptr<DownloadHttpCall>> DownloadHttpCall::Make(
    const HttpRequest& request) {
  ASSIGN_OR_RETURN(const DownloadTarget target, ParseDownloadTarget(request.target));
  std::unique_ptr<DownloadHttpCall> call(new DownloadHttpCall);
  v1::ReadFileRequest file;
  file.set_binary_data_id(target.item_id);
  file.set_preview(target.preview);
  file.set_head_only(request.method == "HEAD");
  ReadConditions(request, file);
  call->signed_ = !target.signature.empty();
  if (!call->signed_) {
    call->message_ = ToBytes(file);
    return call;
  }
  v1::ReadSignedFileRequest wrapped;
  *wrapped.mutable_file() = std::move(file);
  wrapped.set_expires(target.expires);
  wrapped.set_signature(target.signature);
  call->message_ = ToBytes(wrapped);
  return call;
}

std::string DownloadHttpCall::method() const {
  return std::string("/bowerbird.v1.DownloadService/") + (signed_ ? "ReadSignedFile" : "ReadFile");
}

absl::StatusOr<HttpPlainCall::Piece> DownloadHttpCall::Message(const grpc::ByteBuffer& message) {
  grpc::ByteBuffer buffer = message;
  v1::ReadFileResponse response;
  if (!grpc::SerializationTraits<v1::ReadFileResponse>::Deserialize(&buffer, &response).ok())
    return Internal("an answer of this server cannot be read");
  Piece piece;
  if (!begun_) {
    piece.head = HeadOf(response.head(), signed_);
    piece.content_length = response.head().length();
    begun_ = true;
  }
  piece.body = std::move(*response.mutable_data());
  return piece;
}

std::optional<HttpResponse> DownloadHttpCall::End(const absl::Status& status) {
  if (begun_) return std::nullopt;
  return DownloadFailure(status.ok() ? Internal("the file was not given") : status);
}

}  // namespace bowerbird::serve
