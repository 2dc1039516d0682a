// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc_web.h"

#include <array>

#include "base/base64.h"
#include "base/status.h"

namespace bowerbird::serve {
namespace {

constexpr size_t kFrameHeaderSize = 5;
constexpr uint8_t kCompressed = 0x01;
constexpr uint8_t kTrailers = 0x80;

constexpr std::string_view kBinaryType = "application/grpc-web";
constexpr std::string_view kTextType = "application/grpc-web-text";

// Headers of HTTP, of the browser, and of the gRPC-Web framing itself.
constexpr std::array<std::string_view, 25> kNotMetadata = {"accept",
                                                           "accept-charset",
                                                           "accept-encoding",
                                                           "accept-language",
                                                           "cache-control",
                                                           "connection",
                                                           "content-length",
                                                           "content-type",
                                                           "cookie",
                                                           "date",
                                                           "dnt",
                                                           "expect",
                                                           "host",
                                                           "keep-alive",
                                                           "origin",
                                                           "pragma",
                                                           "priority",
                                                           "proxy-connection",
                                                           "referer",
                                                           "te",
                                                           "trailer",
                                                           "transfer-encoding",
                                                           "upgrade",
                                                           "user-agent",
                                                           "x-grpc-web"};

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool IsBinaryName(std::string_view name) {
  return name.size() > 4 && name.substr(name.size() - 4) == "-bin";
}

// What gRPC takes as a metadata key; it aborts on others.
bool IsLegalName(std::string_view name) {
  for (const char c : name) {
    const bool legal =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!legal) return false;
  }
  return !name.empty();
}

bool IsLegalValue(std::string_view value) {
  for (const char c : value) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

bool IsMetadata(std::string_view name) {
  for (const std::string_view other : kNotMetadata) {
    if (name == other) return false;
  }
  return !StartsWith(name, "grpc-") && !StartsWith(name, "sec-") &&
         !StartsWith(name, "access-control-") && !StartsWith(name, "x-bowerbird-");
}

std::string PercentEncode(std::string_view message) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : message) {
    if (c >= 0x20 && c <= 0x7e && c != '%') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[static_cast<uint8_t>(c) >> 4];
      encoded += kDigits[static_cast<uint8_t>(c) & 15];
    }
  }
  return encoded;
}

void PutBigEndian(uint32_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 255);
}

// Splits a "-bin" header at commas, as proxies join repeated ones.
absl::Status AddBinary(const std::string& name, std::string_view value, Headers& metadata) {
  while (true) {
    const size_t comma = value.find(',');
    std::string_view part = value.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    const auto decoded = Base64Decode(part);
    if (!decoded) return InvalidArgument("header " + name + " is not base64");
    metadata.emplace_back(name, *decoded);
    if (comma == std::string_view::npos) return absl::OkStatus();
    value.remove_prefix(comma + 1);
  }
}

}  // namespace

GrpcWebFormat GrpcWebFormatOf(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find_first_of("; "));
  GrpcWebFormat format = GrpcWebFormat::kNone;
  if (StartsWith(type, kTextType)) {
    type.remove_prefix(kTextType.size());
    format = GrpcWebFormat::kText;
  } else if (StartsWith(type, kBinaryType)) {
    type.remove_prefix(kBinaryType.size());
    format = GrpcWebFormat::kBinary;
  }
  return type.empty() || type == "+proto" ? format : GrpcWebFormat::kNone;
}

std::string_view GrpcWebContentType(GrpcWebFormat format) {
  return format == GrpcWebFormat::kText ? "application/grpc-web-text+proto"
                                        : "application/grpc-web+proto";
}

absl::StatusOr<std::vector<std::string_view>> ParseGrpcWebFrames(std::string_view body,
                                                                 size_t max_message) {
  std::vector<std::string_view> messages;
  while (!body.empty()) {
    if (body.size() < kFrameHeaderSize)
      return InvalidArgument("gRPC-Web body: the last frame has no complete header");
    const auto flags = static_cast<uint8_t>(body[0]);
    uint32_t size = 0;
    for (size_t i = 1; i < kFrameHeaderSize; ++i) size = size << 8 | static_cast<uint8_t>(body[i]);
    body.remove_prefix(kFrameHeaderSize);
    if ((flags & kTrailers) != 0)
      return Unimplemented("gRPC-Web body: trailers in a request are not supported");
    if ((flags & kCompressed) != 0)
      return Unimplemented("gRPC-Web body: compressed messages are not supported");
    if (flags != 0) return InvalidArgument("gRPC-Web body: unknown flags in a frame");
    if (size > max_message) {
      return ResourceExhausted("message of " + std::to_string(size) + " bytes: the limit is " +
                               std::to_string(max_message));
    }
    if (size > body.size()) return InvalidArgument("gRPC-Web body: the last message is cut short");
    messages.push_back(body.substr(0, size));
    body.remove_prefix(size);
  }
  return messages;
}

absl::StatusOr<std::string> DecodeGrpcWebText(std::string_view body) {
  std::string decoded;
  // Each run ends with its padding; a group of four with padding ends one.
  while (!body.empty()) {
    size_t end = body.find('=');
    if (end == std::string_view::npos) {
      end = body.size();
    } else {
      end = (end / 4 + 1) * 4;
      if (end > body.size()) return InvalidArgument("gRPC-Web text body: cut base64");
    }
    const auto run = Base64Decode(body.substr(0, end));
    if (!run) return InvalidArgument("gRPC-Web text body: not base64");
    decoded += *run;
    body.remove_prefix(end);
  }
  return decoded;
}

std::string GrpcWebFrameHeader(uint32_t size) {
  std::string header(1, '\0');
  PutBigEndian(size, header);
  return header;
}

std::string GrpcWebTrailers(int code, std::string_view message, const Headers& metadata) {
  std::string text = "grpc-status: " + std::to_string(code) + "\r\n";
  if (!message.empty()) text += "grpc-message: " + PercentEncode(message) + "\r\n";
  for (const auto& [name, value] : ToHttpHeaders(metadata)) text += name + ": " + value + "\r\n";
  std::string frame(1, static_cast<char>(kTrailers));
  PutBigEndian(static_cast<uint32_t>(text.size()), frame);
  return frame + text;
}

bool IsRpcPath(std::string_view target) {
  if (target.size() > 512 || !StartsWith(target, "/")) return false;
  int slashes = 0;
  for (const char c : target) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (c == '/') {
      ++slashes;
    } else if (!letter) {
      return false;
    }
  }
  return slashes == 2 && target[1] != '/' && target.back() != '/';
}

absl::StatusOr<Headers> RpcMetadataOf(const HttpRequest& request) {
  Headers metadata;
  for (const auto& [name, value] : request.headers) {
    if (!IsMetadata(name)) continue;
    if (!IsLegalName(name))
      return InvalidArgument("header " + PercentEncode(name) +
                             " is no possible name of gRPC metadata");
    if (IsBinaryName(name)) {
      RETURN_IF_ERROR(AddBinary(name, value, metadata));
    } else if (IsLegalValue(value)) {
      metadata.emplace_back(name, value);
    } else {
      return InvalidArgument("header " + name +
                             " has bytes outside of printable ASCII: use a name ending in -bin");
    }
  }
  return metadata;
}

absl::StatusOr<std::optional<std::chrono::nanoseconds>> RpcTimeoutOf(const HttpRequest& request) {
  std::string_view text = request.Header("grpc-timeout");
  if (text.empty()) return std::optional<std::chrono::nanoseconds>();
  const absl::Status malformed =
      InvalidArgument("header grpc-timeout: up to 8 digits and one of H M S m u n are expected");
  int64_t unit = 0;
  switch (text.back()) {
    case 'H':
      unit = int64_t{3600} * 1'000'000'000;
      break;
    case 'M':
      unit = int64_t{60} * 1'000'000'000;
      break;
    case 'S':
      unit = 1'000'000'000;
      break;
    case 'm':
      unit = 1'000'000;
      break;
    case 'u':
      unit = 1'000;
      break;
    case 'n':
      unit = 1;
      break;
    default:
      return malformed;
  }
  text.remove_suffix(1);
  if (text.empty() || text.size() > 8) return malformed;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return malformed;
    value = value * 10 + (c - '0');
  }
  // A year stands for "no limit", and keeps the product in range.
  constexpr int64_t kYear = int64_t{365} * 24 * 3600 * 1'000'000'000;
  const int64_t nanoseconds = value > kYear / unit ? kYear : value * unit;
  return std::optional(std::chrono::nanoseconds(nanoseconds));
}

Headers ToHttpHeaders(const Headers& metadata) {
  Headers headers;
  for (const auto& [name, value] : metadata) {
    if (!IsLegalName(name) || !IsMetadata(name)) {
      // The rich error model travels in this one; it is the only reserved name that is content.
      if (name != "grpc-status-details-bin") continue;
    }
    if (IsBinaryName(name)) {
      headers.emplace_back(name, Base64Encode(value));
    } else if (IsLegalValue(value)) {
      headers.emplace_back(name, value);
    }
  }
  return headers;
}

}  // namespace bowerbird::serve
