// SPDX-License-Identifier: Apache-2.0
//
// Which client stands behind a descriptor that was handed to gRPC. gRPC itself names such a
// connection "fd:17" only, and does not say when it is closed; a descriptor whose socket is another
// than it was (by inode) has been closed. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"

namespace bowerbird::serve {

class PeerTable {
 public:
  // `fd` is open and about to be handed over.
  void Add(int fd, std::string address);

  // The client's address for what grpc::ServerContext::peer() says during a call; else that text.
  std::string Describe(const std::string& grpc_peer) const;

  // As CountOpen was, plus what came since: never too low, and cheap.
  size_t size() const;
  // Forgets what was closed; how many are left.
  size_t CountOpen();

 private:
  struct Peer {
    uint64_t inode;
    std::string address;
  };
  mutable Mutex mutex_;
  std::map<int, Peer> peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::serve
