// SPDX-License-Identifier: Apache-2.0
//
// SHA-256: what a file is called by where its contents count.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bowerbird {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::span<const std::byte> bytes);
inline std::string Sha256Hex(std::string_view text) {
  return Sha256Hex(std::as_bytes(std::span(text)));
}

using Sha256Digest = std::array<unsigned char, 32>;

// The hash of what comes in pieces. Movable; not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::string_view bytes);
  // Of everything so far; nothing may follow.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string HexOf(std::span<const unsigned char> bytes);

}  // namespace bowerbird
