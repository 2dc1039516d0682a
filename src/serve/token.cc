// SPDX-License-Identifier: Apache-2.0
#include "serve/token.h"

#include <utility>

#include "base/base64.h"
#include "base/status.h"
#include "nlohmann/json.hpp"
#include "serve/crypto.h"
#include "serve/private_file.h"

namespace bowerbird::serve {
namespace {

using Json = nlohmann::json;

constexpr size_t kKeySize = 32;
constexpr char kIssuer[] = "bowerbird";

absl::Status NotOurs() {
  return absl::UnauthenticatedError("invalid credentials: the token was not issued by this server");
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

absl::StatusOr<TokenSigner> TokenSigner::Open(const std::string& data_dir) {
  const std::string path = data_dir + "/token_key";
  auto text = ReadPrivateFile(path);
  if (absl::IsNotFound(text.status())) {
    const std::string made = HexEncode(RandomBytes(kKeySize)) + "\n";
    const absl::Status status = CreatePrivateFile(path, made);
    if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
    text = ReadPrivateFile(path);
  }
  RETURN_IF_ERROR(text.status());
  if (!text->empty() && text->back() == '\n') text->pop_back();
  const auto key = HexDecode(*text);
  if (!key || key->size() != kKeySize) {
    return FailedPrecondition(path + " is damaged: remove it; clients must then authenticate anew");
  }
  return TokenSigner(*key);
}

TokenSigner::TokenSigner(std::string key) : key_(std::move(key)) {
  const std::string key_id = HexEncode(Sha256("key id" + key_)).substr(0, 16);
  header_ = Base64UrlEncode(R"({"alg":"HS256","kid":")" + key_id + R"(","typ":"JWT"})");
}

std::string TokenSigner::Sign(const TokenClaims& claims) const {
  const Json json = {{"iss", kIssuer},
                     {"sub", claims.subject},
                     {"key", claims.fingerprint},
                     {"rpc_creds_type", claims.credentials_type},
                     {"iat", claims.issued_at},
                     {"jti", HexEncode(RandomBytes(12))}};
  const std::string payload = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  const std::string text = header_ + "." + Base64UrlEncode(payload);
  return text + "." + Base64UrlEncode(HmacSha256(key_, text));
}

absl::StatusOr<TokenClaims> TokenSigner::Verify(std::string_view token) const {
  const size_t end = token.rfind('.');
  if (token.size() > kMaxTokenSize || end == std::string_view::npos) return NotOurs();
  const auto signature = Base64UrlDecode(token.substr(end + 1));
  const std::string_view text = token.substr(0, end);
  if (!signature || !ConstantTimeEquals(*signature, HmacSha256(key_, text))) return NotOurs();
  if (text.size() <= header_.size() || text.substr(0, header_.size()) != header_ ||
      text[header_.size()] != '.')
    return NotOurs();
  const auto payload = Base64UrlDecode(text.substr(header_.size() + 1));
  if (!payload) return NotOurs();
  const Json json = Json::parse(*payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || TextOf(json, "iss") != kIssuer) return NotOurs();
  TokenClaims claims{TextOf(json, "sub"), TextOf(json, "key"), TextOf(json, "rpc_creds_type"), 0};
  const auto issued = json.find("iat");
  if (issued != json.end() && issued->is_number_integer()) claims.issued_at = *issued;
  return claims;
}

std::string TokenSigner::DeriveKey(std::string_view purpose) const {
  return HmacSha256(key_, std::string("derive ").append(purpose));
}

}  // namespace bowerbird::serve
