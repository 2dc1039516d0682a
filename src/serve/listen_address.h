// SPDX-License-Identifier: Apache-2.0
//
// What `--listen` says: "host:port", "[::1]:port", ":port" (every address of the machine), or
// "unix:/path". Port 0 takes a free one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::serve {

struct ListenAddress {
  std::string host;  // "" = every address
  uint16_t port = 0;
  std::string unix_path;  // not "": a Unix socket, and the rest is unused

  // INVALID_ARGUMENT names the fault and the forms allowed. Asks no name server.
  static absl::StatusOr<ListenAddress> Parse(std::string_view text);

  bool is_unix() const { return !unix_path.empty(); }
  // As Parse takes it.
  std::string ToString() const;

  // Whether only this machine can reach it: a Unix socket, or a host all of whose addresses are
  // loopback addresses. A name is looked up.
  absl::StatusOr<bool> IsLoopback() const;
};

// A bound, listening, non-blocking socket.
struct ListenSocket {
  int fd = -1;
  uint16_t port = 0;      // 0 for a Unix socket
  std::string unix_path;  // to be removed when the socket is closed
};

// Binds every address that the host stands for ("localhost": both families), all at one port.
// Addresses of a family that the machine lacks are left out as long as one remains. SO_REUSEADDR
// is set. A Unix socket that nobody serves any more is replaced. The caller closes them.
absl::StatusOr<std::vector<ListenSocket>> Listen(const ListenAddress& address);

}  // namespace bowerbird::serve
