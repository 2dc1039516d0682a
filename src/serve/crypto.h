// SPDX-License-Identifier: Apache-2.0
//
// The few primitives of authentication, over OpenSSL. All are thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bowerbird::serve {

// Raw bytes: 32 of them.
std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);

// From the operating system's generator; ends the program if there is none, since nothing that
// needs it may go on without.
std::string RandomBytes(size_t count);

// Compares in a time that depends on the lengths only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

// Lower-case hexadecimal. Decoding refuses anything else.
std::string HexEncode(std::string_view bytes);
std::optional<std::string> HexDecode(std::string_view text);

// A version 4 UUID in its usual spelling. Unique, not secret: for operations and sessions it comes
// from a generator per thread, seeded by the operating system.
std::string RandomUuid();

}  // namespace bowerbird::serve
