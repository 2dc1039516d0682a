// SPDX-License-Identifier: Apache-2.0
#include "serve/auth.h"

#include <ctime>
#include <map>
#include <utility>

#include "base/base64.h"
#include "base/status.h"

namespace bowerbird::serve {
namespace {

constexpr char kApiKeyType[] = "api-key";
// The fingerprint of tokens that stand for no key. No key has it: those are hexadecimal.
constexpr char kOpenFingerprint[] = "open";

absl::Status Unauthenticated(std::string_view message) {
  return absl::UnauthenticatedError(ToAbsl(message));
}

// What follows `scheme` and spaces, if `header` starts so; case does not matter in a scheme.
std::optional<std::string_view> AfterScheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return std::nullopt;
  for (size_t i = 0; i < scheme.size(); ++i) {
    if ((header[i] | 0x20) != scheme[i]) return std::nullopt;
  }
  header.remove_prefix(scheme.size());
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  return header;
}

}  // namespace

absl::StatusOr<AuthPolicy> DecideAuthPolicy(const AuthInputs& inputs) {
  const bool required = !inputs.loopback || inputs.handlers_configured;
  if (inputs.loopback) return AuthPolicy{required};
  if (!inputs.has_keys) {
    return FailedPrecondition(
        "the listen address can be reached from other machines, but there is no API key: create "
        "one with `bowerbird key create NAME`, or listen on 127.0.0.1");
  }
  if (!inputs.tls && !inputs.insecure) {
    return FailedPrecondition(
        "the listen address can be reached from other machines, but tokens would travel in clear "
        "text: give --tls-cert and --tls-key, or --insecure if the network itself is trusted");
  }
  return AuthPolicy{required};
}

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Create(const std::string& data_dir,
                                                                     Clock clock) {
  ASSIGN_OR_RETURN(TokenSigner signer, TokenSigner::Open(data_dir));
  auto keys = std::make_unique<KeyRing>(data_dir, signer.DeriveKey("api key fingerprint"));
  return std::unique_ptr<Authenticator>(
      new Authenticator(std::move(signer), std::move(keys), std::move(clock)));
}

Authenticator::Authenticator(TokenSigner signer, std::unique_ptr<KeyRing> keys, Clock clock)
    : signer_(std::move(signer)), keys_(std::move(keys)), clock_(std::move(clock)) {}

void Authenticator::SetPolicy(AuthPolicy policy) {
  MutexLock lock(mutex_);
  policy_ = policy;
}

absl::Status Authenticator::SetHandlers(const std::vector<machine::AuthHandler>& handlers) {
  std::map<std::string, std::string> keys;
  std::string unknown;
  for (const machine::AuthHandler& handler : handlers) {
    if (handler.type == kApiKeyType) {
      keys.insert(handler.keys.begin(), handler.keys.end());
    } else {
      unknown += (unknown.empty() ? "\"" : ", \"") + handler.type + "\"";
    }
  }
  // An empty secret would make the id, which is public, a key.
  std::erase_if(keys, [](const auto& key) { return key.second.empty(); });
  keys_->SetConfigured(keys);
  if (unknown.empty()) return absl::OkStatus();
  return InvalidArgument("auth.handlers: unknown type " + unknown +
                         ": only \"api-key\" is served, the rest is ignored");
}

bool Authenticator::credentials_required() const {
  MutexLock lock(mutex_);
  return policy_.credentials_required;
}

absl::Status Authenticator::CheckAttempt() {
  MutexLock lock(mutex_);
  const auto now = clock_();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    failures_ = 0;
  }
  if (failures_ < kMaxFailuresPerSecond) return absl::OkStatus();
  return ResourceExhausted("too many failed attempts to authenticate: try again in a second");
}

void Authenticator::CountFailure() {
  MutexLock lock(mutex_);
  ++failures_;
}

absl::StatusOr<std::string> Authenticator::Authenticate(const std::string& entity,
                                                        const std::string& type,
                                                        const std::string& payload) {
  if (type != kApiKeyType) {
    return InvalidArgument("unknown credential type \"" + type + "\": this server takes \"" +
                           kApiKeyType + "\"");
  }
  RETURN_IF_ERROR(CheckAttempt());
  std::string fingerprint;
  if (!credentials_required() && keys_->empty()) {
    fingerprint = kOpenFingerprint;
  } else if (auto verified = keys_->Verify(entity, payload)) {
    fingerprint = *std::move(verified);
  } else {
    CountFailure();
    return Unauthenticated("invalid credentials");
  }
  return signer_.Sign({entity, fingerprint, type, std::time(nullptr)});
}

absl::StatusOr<Identity> Authenticator::Check(std::string_view authorization) const {
  const bool required = credentials_required();
  const auto token = AfterScheme(authorization, "bearer");
  if (!token) {
    if (!required) return Identity{};
    return Unauthenticated("authentication required");
  }
  const auto claims = signer_.Verify(*token);
  if (claims.ok() && keys_->IsCurrent(claims->subject, claims->fingerprint))
    return Identity{claims->subject};
  // Where nobody needs a token, a token of another day must not hurt.
  if (!required) return Identity{};
  if (!claims.ok()) return claims.status();
  return Unauthenticated("invalid credentials: the API key of this token was revoked or changed");
}

absl::StatusOr<Identity> Authenticator::CheckHttp(std::string_view authorization) {
  const auto basic = AfterScheme(authorization, "basic");
  if (!basic) return Check(authorization);
  RETURN_IF_ERROR(CheckAttempt());
  const std::string pair = Base64Decode(*basic).value_or("");
  const size_t colon = pair.find(':');
  if (colon != std::string::npos &&
      keys_->Verify(pair.substr(0, colon), pair.substr(colon + 1)).has_value())
    return Identity{pair.substr(0, colon)};
  CountFailure();
  return Unauthenticated("invalid credentials");
}

absl::StatusOr<std::string> Authenticator::TokenForHttp(std::string_view authorization) {
  const auto basic = AfterScheme(authorization, "basic");
  if (!basic) {
    RETURN_IF_ERROR(Check(authorization).status());
    return std::string(authorization);
  }
  const std::string pair = Base64Decode(*basic).value_or("");
  const size_t colon = pair.find(':');
  const std::string secret = colon == std::string::npos ? "" : pair.substr(colon + 1);
  ASSIGN_OR_RETURN(const std::string token,
                   Authenticate(pair.substr(0, colon), kApiKeyType, secret));
  return "Bearer " + token;
}

absl::StatusOr<fleet::Principal> Authenticator::PrincipalOf(const std::string& key_id) const {
  if (key_id.empty()) return fleet::Principal{.name = "local", .unrestricted = true};
  auto principal = keys_->PrincipalOf(key_id);
  if (principal.has_value()) return *std::move(principal);
  // A token of the time before an open server had keys.
  if (!credentials_required()) return fleet::Principal{.name = key_id, .unrestricted = true};
  return absl::UnauthenticatedError("the key of this call has ended: use another one");
}

}  // namespace bowerbird::serve
