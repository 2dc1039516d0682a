// SPDX-License-Identifier: Apache-2.0
#include "serve/peer_table.h"

#include <sys/stat.h>

#include <charconv>
#include <string_view>
#include <utility>

namespace bowerbird::serve {
namespace {

constexpr std::string_view kPrefix = "fd:";

// 0: no open descriptor.
uint64_t InodeOf(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

void PeerTable::Add(int fd, std::string address) {
  MutexLock lock(mutex_);
  peers_[fd] = {InodeOf(fd), std::move(address)};
}

std::string PeerTable::Describe(const std::string& grpc_peer) const {
  int fd = -1;
  if (grpc_peer.compare(0, kPrefix.size(), kPrefix) == 0)
    std::from_chars(grpc_peer.data() + kPrefix.size(), grpc_peer.data() + grpc_peer.size(), fd);
  MutexLock lock(mutex_);
  const auto found = peers_.find(fd);
  return found == peers_.end() ? grpc_peer : found->second.address;
}

size_t PeerTable::size() const {
  MutexLock lock(mutex_);
  return peers_.size();
}

size_t PeerTable::CountOpen() {
  MutexLock lock(mutex_);
  std::erase_if(peers_,
                [](const auto& entry) { return InodeOf(entry.first) != entry.second.inode; });
  return peers_.size();
}

}  // namespace bowerbird::serve
