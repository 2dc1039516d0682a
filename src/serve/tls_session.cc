// SPDX-License-Identifier: Apache-2.0
#include "serve/tls_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <utility>

#include "boost/asio/post.hpp"
#include "serve/http2_pump.h"

namespace bowerbird::serve {
namespace {

using boost::system::error_code;

constexpr std::string_view kHttp2Preface = "PRI";

std::string_view SelectedProtocol(TlsStream& stream) {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(stream.native_handle(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

class TlsSession final : public Connection, public std::enable_shared_from_this<TlsSession> {
 public:
  TlsSession(Socket socket, std::string peer, const TlsOptions& options)
      : Connection(options.http.connections),
        options_(options),
        peer_(std::move(peer)),
        executor_(socket.get_executor()),
        deadline_(executor_),
        stream_(std::make_unique<TlsStream>(std::move(socket), options.tls)) {}

  void Start() {
    deadline_.Arm(options_.http.limits.header, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Close();
    });
    stream_->async_handshake(TlsStream::server, [self = shared_from_this()](error_code error) {
      if (error || self->stream_ == nullptr) return;
      self->OnHandshake();
    });
  }

  void Drain() override { Abort(); }
  void Abort() override {
    asio::post(executor_, [self = shared_from_this()] { self->Close(); });
  }

 private:
  void OnHandshake() {
    const std::string_view protocol = SelectedProtocol(*stream_);
    if (protocol == "h2") return StartPump();
    if (!protocol.empty()) return StartHttp();
    ReadFirst();
  }

  // Without ALPN the first bytes tell.
  void ReadFirst() {
    stream_->async_read_some(asio::buffer(first_ + received_, sizeof(first_) - received_),
                             [self = shared_from_this()](error_code error, size_t count) {
                               if (error || self->stream_ == nullptr) return;
                               self->received_ += count;
                               self->OnFirst();
                             });
  }

  void OnFirst() {
    const std::string_view received(first_, received_);
    const size_t common = std::min(received.size(), kHttp2Preface.size());
    if (received.substr(0, common) != kHttp2Preface.substr(0, common)) return StartHttp();
    if (common == kHttp2Preface.size()) return StartPump();
    ReadFirst();
  }

  void StartHttp() {
    deadline_.Disarm();
    ServeHttp(MakeTlsStream(std::move(stream_)), peer_, {first_, received_}, options_.http);
  }

  void StartPump() {
    deadline_.Disarm();
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
      return Close();
    Socket local(executor_);
    error_code error;
    local.assign(asio::generic::stream_protocol(AF_UNIX, 0), pair[0], error);
    if (error) {
      close(pair[0]);
      close(pair[1]);
      return Close();
    }
    options_.hand_over(pair[1], peer_);
    PumpHttp2(MakeTlsStream(std::move(stream_)), MakePlainStream(std::move(local)),
              {first_, received_}, options_.http.connections);
  }

  void Close() {
    deadline_.Disarm();
    if (stream_ == nullptr) return;
    error_code ignored;
    stream_->next_layer().close(ignored);
  }

  const TlsOptions& options_;
  const std::string peer_;
  const asio::any_io_executor executor_;
  Deadline deadline_;
  std::unique_ptr<TlsStream> stream_;  // null once handed on
  char first_[64];
  size_t received_ = 0;
};

}  // namespace

void ServeTls(Socket socket, std::string peer, const TlsOptions& options) {
  auto session = std::make_shared<TlsSession>(std::move(socket), std::move(peer), options);
  options.http.connections.Add(session);
  session->Start();
}

}  // namespace bowerbird::serve
