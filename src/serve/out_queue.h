// SPDX-License-Identifier: Apache-2.0
//
// Bytes on their way out: small pieces are joined, large ones are kept as they are, so that a big
// message is never copied and a small answer is one write. Not thread-safe. Internal to the port.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "boost/asio/buffer.hpp"
#include "grpcpp/support/slice.h"

namespace bowerbird::serve {

class OutQueue {
 public:
  bool empty() const { return pieces_.empty(); }

  void Append(std::string text) {
    if (text.empty()) return;
    if (CanJoin(text.size())) {
      std::get<std::string>(pieces_.back()) += text;
    } else {
      pieces_.emplace_back(std::move(text));
    }
  }

  void Append(grpc::Slice slice) {
    if (slice.size() <= kJoin) {
      Append(std::string(reinterpret_cast<const char*>(slice.begin()), slice.size()));
    } else {
      pieces_.emplace_back(std::move(slice));
    }
  }

  // What to write next; the queue must not be empty. It stays where it is until Consume, whatever
  // is appended meanwhile.
  boost::asio::const_buffer Take() {
    taken_ = true;
    const std::string_view front = View(pieces_.front());
    return {front.data() + done_, front.size() - done_};
  }

  // That many bytes of what Take gave have been written.
  void Consume(size_t count) {
    taken_ = false;
    done_ += count;
    if (done_ < View(pieces_.front()).size()) return;
    pieces_.pop_front();
    done_ = 0;
  }

 private:
  using Piece = std::variant<std::string, grpc::Slice>;
  static constexpr size_t kJoin = 16384;

  static std::string_view View(const Piece& piece) {
    if (const auto* text = std::get_if<std::string>(&piece)) return *text;
    const auto& slice = std::get<grpc::Slice>(piece);
    return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
  }

  // A string that grows may move: not the one that is being written.
  bool CanJoin(size_t size) const {
    if (pieces_.size() <= (taken_ ? 1u : 0u)) return false;
    const auto* last = std::get_if<std::string>(&pieces_.back());
    return last != nullptr && last->size() + size <= kJoin;
  }

  std::deque<Piece> pieces_;
  size_t done_ = 0;  // of the first piece
  bool taken_ = false;
};

}  // namespace bowerbird::serve
