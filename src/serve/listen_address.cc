// SPDX-License-Identifier: Apache-2.0
#include "serve/listen_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "base/status.h"

namespace bowerbird::serve {
namespace {

constexpr int kBacklog = 512;
constexpr std::string_view kUnixPrefix = "unix:";

absl::Status BadAddress(std::string_view text, const std::string& why) {
  return InvalidArgument("listen address \"" + std::string(text) + "\": " + why +
                         "; write HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH");
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<AddressList> Resolve(const ListenAddress& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) {
    return InvalidArgument("listen address \"" + address.ToString() + "\": host \"" + address.host +
                           "\": " + gai_strerror(error));
  }
  return AddressList(list, &freeaddrinfo);
}

bool IsLoopbackAddress(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  if (address->sa_family != AF_INET6) return false;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

void SetPort(sockaddr* address, uint16_t port) {
  if (address->sa_family == AF_INET)
    reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
  if (address->sa_family == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = htons(port);
}

uint16_t PortOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
}

absl::Status ListenFailure(int error, const std::string& name) {
  const std::string what = "listen on " + name + ": " + std::strerror(error);
  if (error != EADDRINUSE) return Unavailable(what);
  return absl::AlreadyExistsError(
      ToAbsl(what + "; stop the program that listens there, or choose another port"));
}

// ALREADY_EXISTS if the address is taken, UNAVAILABLE for all other faults.
absl::StatusOr<int> Open(const sockaddr* address, socklen_t size, const std::string& name) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return ListenFailure(errno, name);
  absl::Cleanup close_socket = [fd] { close(fd); };
  const int on = 1;
  if (address->sa_family != AF_UNIX) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Both families are bound apart, so that what one address means does not hang on a sysctl.
  if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (bind(fd, address, size) != 0 || listen(fd, kBacklog) != 0) return ListenFailure(errno, name);
  std::move(close_socket).Cancel();
  return fd;
}

// A socket file whose server died stays behind, and would make bind fail.
void RemoveDeadUnixSocket(const sockaddr_un& address) {
  struct stat status;
  if (lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      errno == ECONNREFUSED)
    unlink(address.sun_path);
  close(fd);
}

absl::StatusOr<std::vector<ListenSocket>> ListenUnix(const ListenAddress& address) {
  sockaddr_un where = {};
  where.sun_family = AF_UNIX;
  if (address.unix_path.size() >= sizeof(where.sun_path)) {
    return BadAddress(address.ToString(), "a socket path has less than " +
                                              std::to_string(sizeof(where.sun_path)) + " bytes");
  }
  std::memcpy(where.sun_path, address.unix_path.data(), address.unix_path.size());
  RemoveDeadUnixSocket(where);
  ASSIGN_OR_RETURN(const int fd, Open(reinterpret_cast<const sockaddr*>(&where), sizeof(where),
                                      address.ToString()));
  return std::vector<ListenSocket>{{fd, 0, address.unix_path}};
}

}  // namespace

absl::StatusOr<ListenAddress> ListenAddress::Parse(std::string_view text) {
  ListenAddress address;
  if (text.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    address.unix_path = text.substr(kUnixPrefix.size());
    if (address.unix_path.empty() || address.unix_path.find('\0') != std::string::npos)
      return BadAddress(text, "it has no path");
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadAddress(text, "it has no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return BadAddress(text, "an IPv6 address stands in brackets");
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size())
    return BadAddress(text, "the port is a number from 0 to 65535");
  address.host = host;
  return address;
}

std::string ListenAddress::ToString() const {
  if (is_unix()) return std::string(kUnixPrefix) + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

absl::StatusOr<bool> ListenAddress::IsLoopback() const {
  if (is_unix()) return true;
  ASSIGN_OR_RETURN(const AddressList list, Resolve(*this));
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    if (!IsLoopbackAddress(entry->ai_addr)) return false;
  }
  return true;
}

absl::StatusOr<std::vector<ListenSocket>> Listen(const ListenAddress& address) {
  if (address.is_unix()) return ListenUnix(address);
  ASSIGN_OR_RETURN(const AddressList list, Resolve(address));
  std::vector<ListenSocket> sockets;
  absl::Status failure;
  uint16_t port = address.port;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    SetPort(entry->ai_addr, port);
    const auto fd = Open(entry->ai_addr, entry->ai_addrlen, address.ToString());
    if (!fd.ok()) {
      failure = fd.status();
      // A port that is taken in one family must not be half ours.
      if (absl::IsAlreadyExists(failure)) break;
      continue;
    }
    port = PortOf(*fd);
    sockets.push_back({*fd, port, ""});
  }
  const bool taken = absl::IsAlreadyExists(failure);
  if (sockets.empty() || taken) {
    for (const ListenSocket& socket : sockets) close(socket.fd);
    return failure.ok() ? InvalidArgument(address.ToString() + ": no address to listen on")
                        : failure;
  }
  return sockets;
}

}  // namespace bowerbird::serve
