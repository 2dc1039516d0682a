// SPDX-License-Identifier: Apache-2.0
//
// gRPC-Web as bytes: frames, trailers, metadata in HTTP headers. Pure functions.
//
// A body is a sequence of frames: one byte of flags (0x00 message, 0x80 trailers), a big-endian
// 32-bit length, that many bytes. "-text" bodies are the same in base64. Format: gRPC's
// PROTOCOL-WEB.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "serve/http_message.h"

namespace bowerbird::serve {

enum class GrpcWebFormat { kNone, kBinary, kText };

// Of a request's content type: "application/grpc-web", "...+proto", "application/grpc-web-text".
GrpcWebFormat GrpcWebFormatOf(std::string_view content_type);

// The content type of the answer.
std::string_view GrpcWebContentType(GrpcWebFormat format);

// The messages of a request body; views into `body`. INVALID_ARGUMENT: a cut frame. UNIMPLEMENTED:
// compression, trailers in a request. RESOURCE_EXHAUSTED: a message larger than `max_message`.
absl::StatusOr<std::vector<std::string_view>> ParseGrpcWebFrames(std::string_view body,
                                                                 size_t max_message);

// Undoes the base64 of a "-text" body: one or more padded runs, as clients send them.
absl::StatusOr<std::string> DecodeGrpcWebText(std::string_view body);

// The five bytes before a message of `size` bytes.
std::string GrpcWebFrameHeader(uint32_t size);

// The last frame. `code` as gRPC numbers it; the message is percent-encoded, binary metadata (names
// ending in "-bin") in base64.
std::string GrpcWebTrailers(int code, std::string_view message, const Headers& metadata);

// "/package.Service/Method" and nothing else.
bool IsRpcPath(std::string_view target);

// The headers that are metadata of the call: not those of HTTP, of gRPC or of the browser. Binary
// values are decoded. INVALID_ARGUMENT names a header that gRPC could not carry.
absl::StatusOr<Headers> RpcMetadataOf(const HttpRequest& request);

// "grpc-timeout: 1500m". Nothing if absent; INVALID_ARGUMENT if malformed.
absl::StatusOr<std::optional<std::chrono::nanoseconds>> RpcTimeoutOf(const HttpRequest& request);

// Metadata of the server as HTTP headers: binary values in base64; what HTTP could not carry, or
// what HTTP itself says, is left out.
Headers ToHttpHeaders(const Headers& metadata);

}  // namespace bowerbird::serve
