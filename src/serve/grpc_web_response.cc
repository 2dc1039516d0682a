// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc_web_response.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/status.h"

namespace bowerbird::serve {
namespace {

std::string ChunkHead(size_t size) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof(digits), size, 16).ptr;
  return std::string(digits, end) + "\r\n";
}

}  // namespace

void GrpcWebResponse::Head(const Headers& headers, bool keep_alive, OutQueue& out) {
  HttpResponse response{200, headers, ""};
  response.headers.emplace_back("content-type", GrpcWebContentType(format_));
  response.headers.emplace_back("cache-control", "no-store");
  response.headers.emplace_back("x-content-type-options", "nosniff");
  Headers framing;
  if (chunked_) framing.emplace_back("transfer-encoding", "chunked");
  out.Append(SerializeHead(response, framing, keep_alive));
  head_sent_ = true;
}

absl::Status GrpcWebResponse::Message(const grpc::ByteBuffer& message, OutQueue& out) {
  std::vector<grpc::Slice> slices;
  if (message.Length() > std::numeric_limits<uint32_t>::max() || !message.Dump(&slices).ok())
    return Internal("the answer is too large for gRPC-Web");
  std::string header = GrpcWebFrameHeader(static_cast<uint32_t>(message.Length()));
  if (format_ == GrpcWebFormat::kText) {
    for (const grpc::Slice& slice : slices)
      header.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    Chunk(Base64Encode(header), out);
    return absl::OkStatus();
  }
  if (chunked_) out.Append(ChunkHead(header.size() + message.Length()));
  out.Append(std::move(header));
  for (grpc::Slice& slice : slices) out.Append(std::move(slice));
  if (chunked_) out.Append("\r\n");
  return absl::OkStatus();
}

void GrpcWebResponse::End(std::string trailers, OutQueue& out) {
  Chunk(format_ == GrpcWebFormat::kText ? Base64Encode(trailers) : std::move(trailers), out);
  if (chunked_) out.Append("0\r\n\r\n");
}

void GrpcWebResponse::Chunk(std::string bytes, OutQueue& out) {
  if (chunked_) out.Append(ChunkHead(bytes.size()));
  out.Append(std::move(bytes));
  if (chunked_) out.Append("\r\n");
}

}  // namespace bowerbird::serve
