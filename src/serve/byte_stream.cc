// SPDX-License-Identifier: Apache-2.0
#include "serve/byte_stream.h"

#include <utility>

namespace bowerbird::serve {
namespace {

class Plain final : public ByteStream {
 public:
  explicit Plain(Socket socket) : socket_(std::move(socket)) {}

  void ReadSome(asio::mutable_buffer buffer, Done done) override {
    socket_.async_read_some(buffer, std::move(done));
  }
  void WriteSome(asio::const_buffer buffer, Done done) override {
    socket_.async_write_some(buffer, std::move(done));
  }
  void FinishSending(std::function<void()> done) override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    asio::post(socket_.get_executor(), std::move(done));
  }
  void Close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  asio::any_io_executor executor() override { return socket_.get_executor(); }

 private:
  Socket socket_;
};

class Tls final : public ByteStream {
 public:
  explicit Tls(std::unique_ptr<TlsStream> stream) : stream_(std::move(stream)) {}

  void ReadSome(asio::mutable_buffer buffer, Done done) override {
    stream_->async_read_some(buffer, std::move(done));
  }
  void WriteSome(asio::const_buffer buffer, Done done) override {
    stream_->async_write_some(buffer, std::move(done));
  }
  void FinishSending(std::function<void()> done) override {
    stream_->async_shutdown([done = std::move(done)](boost::system::error_code) { done(); });
  }
  void Close() override {
    boost::system::error_code ignored;
    stream_->next_layer().close(ignored);
  }
  asio::any_io_executor executor() override { return stream_->get_executor(); }

 private:
  const std::unique_ptr<TlsStream> stream_;
};

}  // namespace

std::unique_ptr<ByteStream> MakePlainStream(Socket socket) {
  return std::make_unique<Plain>(std::move(socket));
}

std::unique_ptr<ByteStream> MakeTlsStream(std::unique_ptr<TlsStream> stream) {
  return std::make_unique<Tls>(std::move(stream));
}

Deadline::Deadline(asio::any_io_executor executor)
    : timer_(std::move(executor)), generation_(std::make_shared<uint64_t>(0)) {}

void Deadline::Arm(std::chrono::nanoseconds time, std::function<void()> expired) {
  const uint64_t mine = ++*generation_;
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(time));
  timer_.async_wait([mine, generation = generation_,
                     expired = std::move(expired)](boost::system::error_code error) {
    // An expired wait that is already queued cannot be cancelled any more: hence the number.
    if (!error && mine == *generation) expired();
  });
}

void Deadline::Disarm() {
  ++*generation_;
  timer_.cancel();
}

}  // namespace bowerbird::serve
