// SPDX-License-Identifier: Apache-2.0
//
// A connected socket, plain or under TLS, so that what runs over it is written, and compiled, once.
// Internal to the port. All calls on the socket's strand.
#pragma once

#include <functional>
#include <memory>

#include "boost/asio/buffer.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/steady_timer.hpp"
#include "serve/connection.h"

namespace bowerbird::serve {

using TlsStream = asio::ssl::stream<Socket>;

class ByteStream {
 public:
  using Done = std::function<void(boost::system::error_code, size_t)>;

  virtual ~ByteStream() = default;
  // At most one of each at a time; the bytes stay valid until `done`, which runs on the strand,
  // never within the call.
  virtual void ReadSome(asio::mutable_buffer buffer, Done done) = 0;
  virtual void WriteSome(asio::const_buffer buffer, Done done) = 0;
  // Says that nothing more will be sent; nothing may be under way but a read. Under TLS `done` may
  // wait for the peer, so guard it with a time limit.
  virtual void FinishSending(std::function<void()> done) = 0;
  // Ends what is under way with an error. Idempotent.
  virtual void Close() = 0;
  virtual asio::any_io_executor executor() = 0;
};

std::unique_ptr<ByteStream> MakePlainStream(Socket socket);
std::unique_ptr<ByteStream> MakeTlsStream(std::unique_ptr<TlsStream> stream);

// A timer that can be set again and again; what it calls must not own it strongly.
class Deadline {
 public:
  explicit Deadline(asio::any_io_executor executor);
  // Calls `expired` on the executor unless Disarm, Arm or destruction comes first.
  void Arm(std::chrono::nanoseconds time, std::function<void()> expired);
  void Disarm();
  asio::any_io_executor executor() { return timer_.get_executor(); }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<uint64_t> generation_;  // shared with handlers that come late
};

}  // namespace bowerbird::serve
