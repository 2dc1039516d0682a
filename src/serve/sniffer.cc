// SPDX-License-Identifier: Apache-2.0
#include "serve/sniffer.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "boost/asio/post.hpp"
#include "serve/byte_stream.h"

namespace bowerbird::serve {
namespace {

using boost::system::error_code;

constexpr std::string_view kHttp2Preface = "PRI";
constexpr char kTlsHandshake = 0x16;
// A descriptor with some bytes is readable at once, however few they are: so a client that has sent
// less than three is looked at again after a while.
constexpr std::chrono::milliseconds kLookAgain{5};

class Sniffer final : public Connection, public std::enable_shared_from_this<Sniffer> {
 public:
  Sniffer(Socket socket, ConnectionSet& connections, std::function<void(Socket, FirstBytes)> found)
      : Connection(connections),
        socket_(std::move(socket)),
        deadline_(socket_.get_executor()),
        again_(socket_.get_executor()),
        found_(std::move(found)) {}

  void Start(std::chrono::nanoseconds patience) {
    deadline_.Arm(patience, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Close();
    });
    Wait();
  }

  void Drain() override { Abort(); }
  void Abort() override {
    asio::post(deadline_.executor(), [self = shared_from_this()] { self->Close(); });
  }

 private:
  void Wait() {
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
      if (!error && !self->done_) self->Look();
    });
  }

  void Look() {
    char bytes[kHttp2Preface.size()];
    const ssize_t count =
        recv(socket_.native_handle(), bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Wait();
    if (count <= 0) return Close();
    const std::string_view seen(bytes, static_cast<size_t>(count));
    if (seen[0] == kTlsHandshake) return Found(FirstBytes::kTls);
    if (seen != kHttp2Preface.substr(0, seen.size())) return Found(FirstBytes::kOther);
    if (seen.size() == kHttp2Preface.size()) return Found(FirstBytes::kHttp2);
    again_.Arm(kLookAgain, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self != nullptr && !self->done_) self->Look();
    });
    // Nothing else holds this object while the timer runs.
    self_ = shared_from_this();
  }

  void Found(FirstBytes first) {
    done_ = true;
    deadline_.Disarm();
    found_(std::move(socket_), first);
    self_.reset();
  }

  void Close() {
    if (done_) return;
    done_ = true;
    deadline_.Disarm();
    again_.Disarm();
    error_code ignored;
    socket_.close(ignored);
    self_.reset();
  }

  Socket socket_;
  Deadline deadline_;
  Deadline again_;
  const std::function<void(Socket, FirstBytes)> found_;
  bool done_ = false;
  std::shared_ptr<Sniffer> self_;  // only while it waits to look again
};

}  // namespace

void Sniff(Socket socket, std::chrono::nanoseconds patience, ConnectionSet& connections,
           std::function<void(Socket, FirstBytes)> found) {
  auto sniffer = std::make_shared<Sniffer>(std::move(socket), connections, std::move(found));
  connections.Add(sniffer);
  sniffer->Start(patience);
}

}  // namespace bowerbird::serve
