// SPDX-License-Identifier: Apache-2.0
//
// Not OpenSSL's: its decoder takes padding in the middle and cannot tell the length.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bowerbird {

// RFC 4648 section 5, without padding. Decoding refuses padding, other characters and stray bits,
// so that one value has one spelling.
std::string Base64UrlEncode(std::string_view bytes);
std::optional<std::string> Base64UrlDecode(std::string_view text);

// RFC 4648 section 4. Encoding pads; decoding takes padded and unpadded text.
std::string Base64Encode(std::string_view bytes);
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace bowerbird
