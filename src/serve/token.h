// SPDX-License-Identifier: Apache-2.0
//
// Access tokens: JSON Web Tokens signed with HMAC-SHA-256. They carry no expiry, since clients of
// this wire never refresh one; a token ends with the API key it was issued for. The signing key
// lives in <data_dir>/token_key (32 random bytes in hexadecimal, mode 0600), so tokens outlive a
// restart. Removing that file ends all tokens at the next start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bowerbird::serve {

struct TokenClaims {
  std::string subject;           // "sub": the API key's id
  std::string fingerprint;       // "key": that of the API key's current secret
  std::string credentials_type;  // "rpc_creds_type"
  int64_t issued_at = 0;         // "iat": seconds since 1970

  bool operator==(const TokenClaims&) const = default;
};

// Immutable; thread-safe.
class TokenSigner {
 public:
  static constexpr size_t kMaxTokenSize = 4096;

  // Reads the key, or makes one if there is none.
  static absl::StatusOr<TokenSigner> Open(const std::string& data_dir);
  explicit TokenSigner(std::string key);

  std::string Sign(const TokenClaims& claims) const;

  // UNAUTHENTICATED if this key did not sign that token. Nothing of the token is looked into
  // before its signature has been found right: neither its header, which must be the one that Sign
  // writes, nor its claims.
  absl::StatusOr<TokenClaims> Verify(std::string_view token) const;

  // For other uses of a secret that lives as long as the tokens do; tells nothing about the key.
  std::string DeriveKey(std::string_view purpose) const;

 private:
  std::string key_;
  std::string header_;  // encoded
};

}  // namespace bowerbird::serve
