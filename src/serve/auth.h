// SPDX-License-Identifier: Apache-2.0
//
// Who may call. Clients exchange an API key for a token (Authenticate) and send it with every call;
// every call looks whether the token's key is still valid. Where no credentials are needed ("open",
// loopback only), calls without a token pass.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "machine/config.h"
#include "serve/api_keys.h"
#include "serve/token.h"

namespace bowerbird::serve {

// What the server demands of its callers.
struct AuthPolicy {
  bool credentials_required = false;
};

struct AuthInputs {
  bool loopback = true;  // ListenAddress::IsLoopback of every listen address
  bool tls = false;
  bool insecure = false;             // --insecure: credentials in clear text were asked for
  bool handlers_configured = false;  // the config has auth.handlers
  bool has_keys = false;             // in the key file, or in those handlers
};

// Loopback: open unless handlers are configured. Elsewhere: keys are needed, and TLS or --insecure.
// FAILED_PRECONDITION, with what to do, where that does not hold: the server must not start.
absl::StatusOr<AuthPolicy> DecideAuthPolicy(const AuthInputs& inputs);

// Who a call comes from.
struct Identity {
  std::string key_id;  // "" where no credentials were needed and none given
};

// Thread-safe.
class Authenticator {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Failed attempts to authenticate within a second before all are refused until it is over.
  static constexpr int kMaxFailuresPerSecond = 20;

  // Reads or makes the signing key in `data_dir`. Credentials are required until SetPolicy says
  // otherwise.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Create(
      const std::string& data_dir, Clock clock = std::chrono::steady_clock::now);

  void SetPolicy(AuthPolicy policy);
  // Takes the keys of "api-key" handlers. INVALID_ARGUMENT names handlers of other types; the keys
  // of the known ones are valid nevertheless. Tokens of keys that are gone end.
  absl::Status SetHandlers(const std::vector<machine::AuthHandler>& handlers);

  bool credentials_required() const;
  // Whether there is any key, in the file or configured.
  bool has_keys() const { return !keys_->empty(); }

  // A token for these credentials. INVALID_ARGUMENT: an unknown type. UNAUTHENTICATED "invalid
  // credentials". RESOURCE_EXHAUSTED: too many failures just now. An open server that has no key at
  // all gives anybody a token, worth as much as none: clients that always send credentials need it.
  absl::StatusOr<std::string> Authenticate(const std::string& entity, const std::string& type,
                                           const std::string& payload);

  // The value of a call's `authorization` header, "" if absent. UNAUTHENTICATED "authentication
  // required", or what is wrong with it.
  absl::StatusOr<Identity> Check(std::string_view authorization) const;

  // As Check, but takes "Basic" with key id and secret too: for scrapers that cannot authenticate
  // first.
  absl::StatusOr<Identity> CheckHttp(std::string_view authorization);

  // The header with which a call passes that came with this one over HTTP: "Basic" is exchanged for
  // a token. The same errors as Check and Authenticate.
  absl::StatusOr<std::string> TokenForHttp(std::string_view authorization);

  // Whom a call of this identity acts for: everything is open to who needs no credentials.
  // UNAUTHENTICATED: its key ended meanwhile.
  absl::StatusOr<fleet::Principal> PrincipalOf(const std::string& key_id) const;

  // A secret for another purpose that lives as long as the tokens do (TokenSigner::DeriveKey).
  std::string DeriveKey(std::string_view purpose) const { return signer_.DeriveKey(purpose); }

 private:
  Authenticator(TokenSigner signer, std::unique_ptr<KeyRing> keys, Clock clock);
  absl::Status CheckAttempt();
  void CountFailure();

  const TokenSigner signer_;
  const std::unique_ptr<KeyRing> keys_;
  const Clock clock_;
  mutable Mutex mutex_;
  AuthPolicy policy_ ABSL_GUARDED_BY(mutex_){true};
  std::chrono::steady_clock::time_point second_ ABSL_GUARDED_BY(mutex_);
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bowerbird::serve
