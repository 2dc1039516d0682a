// SPDX-License-Identifier: Apache-2.0
#include "serve/port.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/strand.hpp"
#include "serve/http_session.h"
#include "serve/sniffer.h"
#include "serve/tls_session.h"

namespace bowerbird::serve {
namespace {

using boost::system::error_code;

// Connections accepted in one go, so that a flood does not starve those that are there.
constexpr int kAcceptsInARow = 64;
// How long to wait when the process has no descriptor left.
constexpr std::chrono::milliseconds kNoDescriptorPause{100};

std::string AddressText(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)).to_string() + ":" +
           std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    asio::ip::address_v6::bytes_type bytes;
    std::copy(std::begin(v6.sin6_addr.s6_addr), std::end(v6.sin6_addr.s6_addr), bytes.begin());
    std::string text = "[";
    text += asio::ip::address_v6(bytes).to_string();
    text += "]:";
    text += std::to_string(ntohs(v6.sin6_port));
    return text;
  }
  return "unix";
}

}  // namespace

class Port::Impl {
 public:
  Impl(PortOptions options, PortTargets targets)
      : options_(std::move(options)),
        targets_(std::move(targets)),
        bridge_(targets_.channel),
        http_{targets_.routes, bridge_, connections_, Limits(options_), {}},
        acceptors_strand_(asio::make_strand(io_)),
        work_(asio::make_work_guard(io_)) {
    if (options_.tls != nullptr) tls_.emplace(options_.tls.release());
  }
  ~Impl() { Stop(std::chrono::steady_clock::now()); }

  absl::Status Listen();
  void Run();
  void Drain();
  void Stop(std::chrono::steady_clock::time_point deadline);
  uint16_t port() const { return port_; }

 private:
  struct Acceptor {
    Acceptor(asio::any_io_executor executor, ListenSocket socket)
        : listening(executor, socket.fd), pause(executor), unix_path(socket.unix_path) {}
    asio::posix::stream_descriptor listening;
    Deadline pause;
    const std::string unix_path;
  };

  static ConnectionLimits Limits(const PortOptions& options) {
    ConnectionLimits limits;
    limits.header = options.header_timeout;
    limits.idle = options.idle_timeout;
    limits.stall = options.stall_timeout;
    limits.max_message = options.max_message;
    return limits;
  }

  void Await(Acceptor& acceptor);
  void AcceptSome(Acceptor& acceptor);
  void Accepted(int fd, const sockaddr_storage& address);
  bool Full();
  void Serve(Socket socket, FirstBytes first, const std::string& peer);
  void HandOver(int fd, const std::string& peer);
  void Count(const char* kind);

  PortOptions options_;
  const PortTargets targets_;
  ConnectionSet connections_;
  GrpcWebBridge bridge_;
  HttpContext http_;
  std::optional<asio::ssl::context> tls_;
  const std::function<void(int, const std::string&)> hand_over_ =
      [this](int fd, const std::string& peer) { HandOver(fd, peer); };
  std::optional<TlsOptions> tls_options_;
  uint16_t port_ = 0;

  asio::io_context io_;
  asio::strand<asio::io_context::executor_type> acceptors_strand_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // on their strand once threads run
  std::vector<std::thread> threads_;

  Mutex hand_over_mutex_;  // so that nothing is handed over once Drain has returned
  bool draining_ ABSL_GUARDED_BY(hand_over_mutex_) = false;
};

absl::Status Port::Impl::Listen() {
  for (const ListenAddress& address : options_.listen) {
    ASSIGN_OR_RETURN(const std::vector<ListenSocket> sockets, bowerbird::serve::Listen(address));
    for (const ListenSocket& socket : sockets) {
      acceptors_.push_back(std::make_unique<Acceptor>(acceptors_strand_, socket));
      if (port_ == 0) port_ = socket.port;
    }
  }
  return absl::OkStatus();
}

void Port::Impl::Run() {
  if (tls_) tls_options_.emplace(TlsOptions{*tls_, http_, hand_over_});
  for (const auto& acceptor : acceptors_) Await(*acceptor);
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { io_.run(); });
    pthread_setname_np(threads_.back().native_handle(), ("port-" + std::to_string(i)).c_str());
  }
}

void Port::Impl::Count(const char* kind) {
  targets_.metrics
      .GetCounter("bowerbird_connections_total", "Connections by what they turned out to be.",
                  {{"kind", kind}})
      .Add();
}

void Port::Impl::Await(Acceptor& acceptor) {
  acceptor.listening.async_wait(asio::posix::stream_descriptor::wait_read,
                                [this, &acceptor](error_code error) {
                                  if (!error) AcceptSome(acceptor);
                                });
}

void Port::Impl::AcceptSome(Acceptor& acceptor) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    const int fd =
        accept4(acceptor.listening.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Accepted(fd, address);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      LogWarning("port", std::string("cannot accept a connection: ") + strerror(errno) +
                             "; raise the limit of open files (ulimit -n)");
      acceptor.pause.Arm(kNoDescriptorPause, [this, &acceptor] { Await(acceptor); });
      return;
    }
    if (errno == EAGAIN) break;
  }
  Await(acceptor);
}

// Descriptors are what runs out first; those that gRPC has count as well.
bool Port::Impl::Full() {
  if (connections_.size() + targets_.peers.size() < options_.max_connections) return false;
  return connections_.size() + targets_.peers.CountOpen() >= options_.max_connections;
}

void Port::Impl::Accepted(int fd, const sockaddr_storage& address) {
  if (Full()) {
    close(fd);
    Count("refused");
    return;
  }
  const int on = 1;
  if (address.ss_family == AF_INET || address.ss_family == AF_INET6)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Socket socket(asio::make_strand(io_));
  error_code error;
  socket.assign(asio::generic::stream_protocol(address.ss_family, 0), fd, error);
  if (error) {
    close(fd);
    return;
  }
  Sniff(std::move(socket), options_.header_timeout, connections_,
        [this, peer = AddressText(address)](Socket known, FirstBytes first) {
          Serve(std::move(known), first, peer);
        });
}

void Port::Impl::Serve(Socket socket, FirstBytes first, const std::string& peer) {
  if (first == FirstBytes::kTls) {
    Count("tls");
    if (tls_) ServeTls(std::move(socket), peer, *tls_options_);
    return;  // without a certificate the socket closes here
  }
  if (tls_) {
    Count("cleartext_refused");
    return;
  }
  if (first == FirstBytes::kOther) {
    Count("http");
    return ServeHttp(MakePlainStream(std::move(socket)), peer, "", http_);
  }
  Count("http2");
  error_code error;
  const int fd = socket.release(error);
  if (error) return;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  HandOver(fd, peer);
}

void Port::Impl::HandOver(int fd, const std::string& peer) {
  MutexLock lock(hand_over_mutex_);
  if (draining_) {
    close(fd);
    return;
  }
  targets_.peers.Add(fd, peer);
  targets_.hand_over(fd);
}

void Port::Impl::Drain() {
  {
    MutexLock lock(hand_over_mutex_);
    if (draining_) return;
    draining_ = true;
  }
  const auto close_all = [this] {
    for (const auto& acceptor : acceptors_) {
      error_code ignored;
      acceptor->pause.Disarm();
      acceptor->listening.close(ignored);
      if (!acceptor->unix_path.empty()) unlink(acceptor->unix_path.c_str());
    }
  };
  if (threads_.empty()) return close_all();
  std::promise<void> closed;
  asio::post(acceptors_strand_, [&] {
    close_all();
    closed.set_value();
  });
  closed.get_future().wait();
  connections_.DrainAll();
}

void Port::Impl::Stop(std::chrono::steady_clock::time_point deadline) {
  Drain();
  if (threads_.empty()) return;
  if (!connections_.WaitUntilEmpty(deadline)) {
    // Again and again: one that was just being accepted may have been missed.
    do {
      connections_.AbortAll();
    } while (!connections_.WaitUntilEmpty(std::chrono::steady_clock::now() +
                                          std::chrono::milliseconds(20)));
  }
  work_.reset();
  io_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Port::Port(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Port::~Port() = default;

absl::StatusOr<std::unique_ptr<Port>> Port::Start(PortOptions options, PortTargets targets) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(targets));
  RETURN_IF_ERROR(impl->Listen());
  impl->Run();
  return std::unique_ptr<Port>(new Port(std::move(impl)));
}

uint16_t Port::port() const { return impl_->port(); }
void Port::Drain() { impl_->Drain(); }
void Port::Stop(std::chrono::steady_clock::time_point deadline) { impl_->Stop(deadline); }

}  // namespace bowerbird::serve
