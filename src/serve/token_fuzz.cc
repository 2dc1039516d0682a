// SPDX-License-Identifier: Apache-2.0
//
// Tokens and keys that strangers send, and key files that somebody edited.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/base64.h"
#include "serve/api_keys.h"
#include "serve/crypto.h"
#include "serve/token.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::serve;  // NOLINT: one function
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static const std::string key(32, 'k');
  static const TokenSigner signer(key);

  Require(!signer.Verify(bytes).ok());
  // The same as the claims of a token whose signature is right.
  const std::string token = signer.Sign({"id", "fingerprint", "api-key", 1});
  const std::string header = token.substr(0, token.find('.'));
  for (const std::string& payload : {Base64UrlEncode(bytes), bytes}) {
    const std::string text = header + "." + payload;
    const auto claims = signer.Verify(text + "." + Base64UrlEncode(HmacSha256(key, text)));
    if (claims.ok()) static_cast<void>(signer.Sign(*claims));
  }
  const auto changed = signer.Verify(token.substr(0, token.size() - 1) + bytes);
  Require(!changed.ok() || token.substr(token.size() - 1) == bytes);

  if (const auto decoded = Base64UrlDecode(bytes)) Require(Base64UrlEncode(*decoded) == bytes);
  if (const auto decoded = HexDecode(bytes)) Require(HexEncode(*decoded) == bytes);
  if (const auto decoded = Base64Decode(bytes))
    Require(Base64Decode(Base64Encode(*decoded)) == decoded);
  if (const auto keys = ParseApiKeys(bytes); keys.ok()) {
    for (const StoredApiKey& stored : *keys) Require(!stored.key.id.empty());
  }
  return 0;
}
