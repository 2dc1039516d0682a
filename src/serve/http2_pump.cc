// SPDX-License-Identifier: Apache-2.0
#include "serve/http2_pump.h"

#include <algorithm>
#include <array>
#include <utility>

#include "boost/asio/post.hpp"

namespace bowerbird::serve {
namespace {

using boost::system::error_code;

constexpr size_t kBufferSize = 65536;
// How long the last bytes to the client may take once gRPC has closed its end.
constexpr std::chrono::nanoseconds kLastBytes = std::chrono::seconds(5);

class Pump final : public Connection, public std::enable_shared_from_this<Pump> {
 public:
  Pump(std::unique_ptr<ByteStream> client, std::unique_ptr<ByteStream> local,
       ConnectionSet& connections)
      : Connection(connections),
        client_(std::move(client)),
        local_(std::move(local)),
        deadline_(client_->executor()),
        inward_{*client_, *local_},
        outward_{*local_, *client_} {}

  void Start(std::string_view received) {
    std::copy(received.begin(), received.end(), inward_.buffer.begin());
    inward_.filled = received.size();
    Move(inward_);
    Move(outward_);
  }

  // gRPC itself says goodbye to the client and then closes its end.
  void Drain() override {}
  void Abort() override {
    asio::post(client_->executor(), [self = shared_from_this()] { self->Close(); });
  }

 private:
  struct Direction {
    ByteStream& from;
    ByteStream& to;
    std::array<char, kBufferSize> buffer{};
    size_t filled = 0;
    size_t written = 0;
  };

  void Move(Direction& way) {
    if (way.written < way.filled) return Write(way);
    way.filled = way.written = 0;
    way.from.ReadSome(asio::buffer(way.buffer),
                      [self = shared_from_this(), &way](error_code error, size_t count) {
                        if (error) return self->OnEnd(way);
                        way.filled = count;
                        self->Move(way);
                      });
  }

  void Write(Direction& way) {
    way.to.WriteSome(asio::buffer(way.buffer.data() + way.written, way.filled - way.written),
                     [self = shared_from_this(), &way](error_code error, size_t count) {
                       if (error) return self->Close();
                       way.written += count;
                       self->Move(way);
                     });
  }

  // HTTP/2 has no use for half a connection. What gRPC has sent is with the client by now: its end
  // is read to the last byte before OnEnd.
  void OnEnd(const Direction& way) {
    if (&way == &inward_) return Close();
    deadline_.Arm(kLastBytes, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Close();
    });
    client_->FinishSending([self = shared_from_this()] { self->Close(); });
  }

  void Close() {
    deadline_.Disarm();
    client_->Close();
    local_->Close();
  }

  const std::unique_ptr<ByteStream> client_;
  const std::unique_ptr<ByteStream> local_;
  Deadline deadline_;
  Direction inward_;
  Direction outward_;
};

}  // namespace

void PumpHttp2(std::unique_ptr<ByteStream> client, std::unique_ptr<ByteStream> local,
               std::string_view received, ConnectionSet& connections) {
  auto pump = std::make_shared<Pump>(std::move(client), std::move(local), connections);
  connections.Add(pump);
  pump->Start(received);
}

}  // namespace bowerbird::serve
