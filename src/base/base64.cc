// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <openssl/evp.h>

namespace bowerbird {

std::string Base64Of(std::string_view bytes) {
  // Pieces that are a multiple of three bytes need no padding, and fit the library's int.
  constexpr size_t kPiece = 3 << 20;
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::string_view piece = bytes.substr(at, kPiece);
    std::string encoded((piece.size() + 2) / 3 * 4 + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                       reinterpret_cast<const unsigned char*>(piece.data()),
                                       static_cast<int>(piece.size()));
    text.append(encoded, 0, static_cast<size_t>(length));
  }
  return text;
}

}  // namespace bowerbird
