// SPDX-License-Identifier: Apache-2.0
//
// What strangers send to open a file over HTTP: the address, the signature in it, and the headers
// for ranges and conditions. The first line is the target, the second the Range header, the third
// If-None-Match, the fourth If-Range.
#include <grpcpp/impl/grpc_library.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "serve/download_http.h"
#include "serve/download_links.h"

namespace bowerbird::serve {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// An id that an address names comes back from every address that is made of it.
void CheckTarget(const std::string& text) {
  if (!IsDownloadPath(text)) return;
  const auto target = ParseDownloadTarget(text);
  if (!target.ok()) return;
  Require(!target->item_id.empty());
  const DownloadLinks links("key", /*tls=*/true);
  const auto again = ParseDownloadTarget(links.FileUrl("", target->item_id));
  Require(again.ok() && again->item_id == target->item_id && again->signature.empty());
  // Nobody guesses a signature, and one that is right opens this item alone.
  Require(!links.Check(target->item_id, target->expires, target->signature, 0).ok());
  const auto opened = ParseDownloadTarget(links.SignedFileUrl("", target->item_id, 100));
  Require(opened.ok() && opened->item_id == target->item_id && opened->expires == 100);
  Require(links.Check(target->item_id, 100, opened->signature, 99).ok());
  Require(!links.Check(target->item_id, 100, opened->signature, 100).ok());
  Require(!links.Check(target->item_id + "0", 100, opened->signature, 99).ok());
}

void CheckRange(std::string_view header) {
  const auto range = ParseRange(header);
  if (!range.has_value()) return;
  Require(range->has_first() != range->has_suffix());
  Require(!range->has_last() || (range->has_first() && range->first() <= range->last()));
}

void CheckRequest(const HttpRequest& request) {
  const auto call = DownloadHttpCall::Make(request);
  if (!call.ok()) return;
  const auto end = (*call)->End(absl::NotFoundError("nothing"));
  Require(end.has_value() && end->status == 404);
}

}  // namespace
}  // namespace bowerbird::serve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::serve;  // NOLINT: one function
  // Messages to gRPC are made here, and nothing else starts the library.
  static const grpc::internal::GrpcLibraryInitializer library;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string, 4> lines;
  for (std::string& line : lines) {
    line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  CheckTarget(lines[0]);
  for (const char* const folder : {"/data/files/", "/data/previews/"}) {
    const std::string target = folder + lines[0];
    CheckTarget(target);
    CheckRequest({"GET",
                  target,
                  {{"range", lines[1]}, {"if-none-match", lines[2]}, {"if-range", lines[3]}}});
  }
  CheckRange(lines[1]);
  CheckRange("bytes=" + lines[1]);
  return 0;
}
