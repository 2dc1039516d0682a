// SPDX-License-Identifier: Apache-2.0
//
// GET and HEAD of stored files (download_links.h has the addresses) as calls of
// bowerbird.v1.DownloadService. Ranges, ETag, If-None-Match and If-Range as in RFC 9110; a request
// for several ranges gets the whole file, as that RFC allows. Pure; no connection.
//
// A file comes from whoever uploaded it: the page that opens it must not run as one of this server,
// so only pictures, sound and video are shown in place, everything is sandboxed, and nothing is
// guessed from the content.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bowerbird/v1/download.pb.h"
#include "serve/http_plain_call.h"

namespace bowerbird::serve {

class DownloadHttpCall : public HttpPlainCall {
 public:
  // INVALID_ARGUMENT and NOT_FOUND: the address.
  static absl::StatusOr<std::unique_ptr<DownloadHttpCall>> Make(const HttpRequest& request);

  // Whether the address carries a signature; if not, the call needs credentials.
  bool is_signed() const { return signed_; }
  std::string method() const;
  const grpc::ByteBuffer& message() const { return message_; }

  absl::StatusOr<Piece> Message(const grpc::ByteBuffer& message) override;
  std::optional<HttpResponse> End(const absl::Status& status) override;

 private:
  DownloadHttpCall() = default;

  bool signed_ = false;
  bool begun_ = false;
  grpc::ByteBuffer message_;
};

// The value of a Range header as one range; nothing where it is malformed, in another unit or of
// several ranges, which all mean the whole file.
std::optional<v1::ByteRange> ParseRange(std::string_view header);

// text/plain with the HTTP status of the code.
HttpResponse DownloadFailure(const absl::Status& status);

}  // namespace bowerbird::serve
