// SPDX-License-Identifier: Apache-2.0
//
// Whatever a peer sends over HTTP: the request reader (bytes cut at two sizes must give the same
// requests), gRPC-Web frames, text bodies, metadata, timeouts, and request names.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "serve/grpc_web.h"
#include "serve/http_reader.h"
#include "serve/request_name.h"
#include "serve/static_files.h"

namespace bowerbird::serve {
namespace {

constexpr size_t kMaxMessage = 4096;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckRequest(const HttpRequest& request, const std::string& body) {
  const auto path = SafePath(request.target);
  Require(!path || path->find("/..") == std::string::npos);
  const auto metadata = RpcMetadataOf(request);
  if (metadata.ok()) ToHttpHeaders(*metadata);
  const auto timeout = RpcTimeoutOf(request);
  if (timeout.ok() && *timeout) Require((*timeout)->count() >= 0);
  IsRpcPath(request.target);
  const auto frames = ParseGrpcWebFrames(body, kMaxMessage);
  if (!frames.ok()) return;
  std::string again;
  for (const std::string_view message : *frames) {
    again += GrpcWebFrameHeader(static_cast<uint32_t>(message.size()));
    again += message;
  }
  Require(again == body);
}

// A line for each complete request. A header that is malformed, or within a read of its limit, may
// be refused earlier or later depending on how it is cut, so failures are not part of it.
std::vector<std::string> ReadRequests(const std::string& bytes, size_t step) {
  HttpReader reader(1024);
  std::vector<std::string> requests;
  size_t given = 0;
  for (;;) {
    switch (reader.Next()) {
      case HttpReader::Step::kNeedMore: {
        if (given == bytes.size()) return requests;
        const auto room = reader.Prepare();
        Require(!room.empty());
        const size_t count = std::min({step, bytes.size() - given, room.size()});
        std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(given), count, room.begin());
        reader.Commit(count);
        given += count;
        break;
      }
      case HttpReader::Step::kHeader:
        reader.SetMaxBody(kMaxMessage);
        break;
      case HttpReader::Step::kRequest: {
        const std::string body = reader.TakeBody();
        Require(body.size() <= kMaxMessage);
        CheckRequest(reader.request(), body);
        requests.push_back(reader.request().method + " " + reader.request().target + " " + body);
        reader.Reset();
        break;
      }
      case HttpReader::Step::kFailed:
        Require(reader.failure().status >= 400);
        return requests;
    }
  }
}

// However the bytes are cut: nothing is read as a request by one reader and as another by the next.
void CheckCuts(const std::string& bytes) {
  const auto some = ReadRequests(bytes, 1 + static_cast<uint8_t>(bytes[0]) % 64);
  const auto whole = ReadRequests(bytes, bytes.size());
  const size_t both = std::min(some.size(), whole.size());
  Require(std::equal(some.begin(), some.begin() + static_cast<ptrdiff_t>(both), whole.begin()));
}

void CheckName(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer message(&slice, 1);
  const auto name = RequestName(message);
  const auto renamed = WithRequestName(message, "renamed");
  Require(name.has_value() == renamed.has_value());
  if (renamed) Require(RequestName(*renamed) == "renamed");
}

}  // namespace
}  // namespace bowerbird::serve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::serve;  // NOLINT: one function
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size > 0) CheckCuts(bytes);
  const auto decoded = DecodeGrpcWebText(bytes);
  static_cast<void>(ParseGrpcWebFrames(decoded.ok() ? *decoded : bytes, kMaxMessage));
  CheckRequest({"POST", bytes.substr(0, 64), {{"x-a", bytes}, {"x-b-bin", bytes}}}, bytes);
  CheckRequest({"POST", "/a.B/C", {{bytes, "value"}, {"grpc-timeout", bytes}}}, bytes);
  CheckName(bytes);
  return 0;
}
