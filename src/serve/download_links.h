// SPDX-License-Identifier: Apache-2.0
//
// Addresses of stored files on this server's port:
//   /data/files/ORGANIZATION/LOCATION/FILE       the file; needs the credentials of a call
//   /data/previews/ORGANIZATION/LOCATION/FILE    a small JPEG of a picture; so does this
//   either with ?expires=SECONDS&signature=...   open to who has the link, until then
// A signature is an HMAC-SHA-256 over the item's id and the time, so it opens that item and no
// other. It is made with a key that lives as long as the server's tokens do.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

struct DownloadTarget {
  std::string item_id;
  bool preview = false;
  // Both or none.
  int64_t expires = 0;  // seconds since 1970
  std::string signature{};
};

// Whether an address is one of those above, right or wrong.
bool IsDownloadPath(std::string_view target);
// INVALID_ARGUMENT or NOT_FOUND: what is wrong with it.
absl::StatusOr<DownloadTarget> ParseDownloadTarget(std::string_view target);

// Immutable; thread-safe.
class DownloadLinks {
 public:
  // `key`: secret of this server. `tls`: what the links begin with, unless a proxy says otherwise.
  DownloadLinks(std::string key, bool tls) : key_(std::move(key)), tls_(tls) {}

  // "https://host:8080" as the client that calls sees this server; "" if it does not say.
  std::string BaseFor(const Call& call) const;

  std::string FileUrl(std::string_view base, std::string_view item_id) const;
  std::string SignedFileUrl(std::string_view base, std::string_view item_id, int64_t expires) const;

  // PERMISSION_DENIED: it was not made here, or its time is over.
  absl::Status Check(std::string_view item_id, int64_t expires, std::string_view signature,
                     int64_t now) const;

 private:
  std::string Sign(std::string_view item_id, int64_t expires) const;

  const std::string key_;
  const bool tls_;
};

}  // namespace bowerbird::serve
