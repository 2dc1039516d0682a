// SPDX-License-Identifier: Apache-2.0
//
// Where the machine of this process sends what it captured: to the hub of the same process, through
// the server's own channel, or to a hub elsewhere. Either way over the same calls and with a key
// where keys are asked for.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "app/hub_client.h"
#include "app/hub_role.h"
#include "base/mutex.h"
#include "capture/uploader.h"
#include "serve/server.h"

namespace bowerbird::app {

// After Server::Start. Where the server asks for credentials, the machine has a key of its own,
// made once and kept in DATA_DIR/machine_key.json; `bowerbird key list` shows it.
absl::StatusOr<capture::HubLink> LinkToOwnHub(serve::Server& server, const HubRole& hub,
                                              const std::string& data_dir);

// The part that the machine's config names (cloud.id), as of its newest version. Thread-safe.
class ConfiguredPart {
 public:
  // `config`: as it is written; one that is no JSON just now names none.
  void Read(const std::string& config);
  std::string Get() const;  // "" = the config names none

 private:
  mutable Mutex mutex_;
  std::string id_ ABSL_GUARDED_BY(mutex_);
};

// `part_id` goes before `configured`, which outlives the link; without both the hub is asked before
// the first upload.
absl::StatusOr<capture::HubLink> LinkToHub(const HubFlags& hub, const std::string& part_id,
                                           const ConfiguredPart& configured);

}  // namespace bowerbird::app
