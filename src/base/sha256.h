// SPDX-License-Identifier: Apache-2.0
//
// SHA-256: what a file is called by where its contents count.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace bowerbird {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::span<const std::byte> bytes);
inline std::string Sha256Hex(std::string_view text) {
  return Sha256Hex(std::as_bytes(std::span(text)));
}

}  // namespace bowerbird
