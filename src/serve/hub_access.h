// SPDX-License-Identifier: Apache-2.0
//
// Whom a call to the hub acts for. Every service of stored data asks here first; what belongs to
// another organization is then out of its sight (data/caller.h).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "data/caller.h"
#include "serve/rpc.h"
#include "wire/hub/upload.h"

namespace bowerbird::serve {

enum class Permission { kRead, kWrite };

// Who sends an upload, and where its part stands.
struct Uploader {
  data::Caller caller{};
  wire::Origin origin{};
};

// Thread-safe; outlives the services.
class HubAccess {
 public:
  virtual ~HubAccess() = default;

  // `organization_id`: the one that the request names, "" where it names none: then the one that
  // the caller's key is for. NOT_FOUND: there is none of that id that the caller may know of.
  // PERMISSION_DENIED: it may, but not do that.
  virtual absl::StatusOr<data::Caller> Enter(const Call& call, const std::string& organization_id,
                                             Permission permission) = 0;

  // As Enter for reading what was captured. A key for locations or machines alone may, too: the
  // caller then sees what comes from there (data::Caller::places), and is for no call that does not
  // ask the catalog by item or filter.
  virtual absl::StatusOr<data::Caller> EnterToRead(const Call& call,
                                                   const std::string& organization_id) = 0;

  // For an upload, which names nothing but a part. NOT_FOUND: there is no such part that the caller
  // may know of; PERMISSION_DENIED: it may not send what that machine captured.
  virtual absl::StatusOr<Uploader> EnterForPart(const Call& call, const std::string& part_id) = 0;
};

}  // namespace bowerbird::serve
