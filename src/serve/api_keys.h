// SPDX-License-Identifier: Apache-2.0
//
// API keys: an id, which is no secret, and a secret of 32 random bytes, which is shown once and
// then only kept as a salted hash. They live in <data_dir>/api_keys.json; the format, and why a
// plain hash is enough, is in docs/formats/api-keys.md.
//
// ApiKeyFile is what the command `bowerbird key` uses; KeyRing is what a running server asks. They
// meet in the file alone: the ring looks at the file's stamp with every question, so a key is
// revoked at once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "fleet/authorization.h"
#include "serve/private_file.h"

namespace bowerbird::serve {

struct ApiKey {
  std::string id;       // UUID
  std::string name;     // what the owner calls it; not unique
  std::string created;  // "2026-01-31T12:00:00Z"
  // Empty: owner of everything, as keys are that were made on the server's own machine.
  std::vector<fleet::Authorization> authorizations{};
};

struct NewApiKey {
  ApiKey key;
  std::string secret;  // 43 characters; nowhere else
};

// An entry of the file.
struct StoredApiKey {
  ApiKey key;
  std::string salt;  // raw bytes
  std::string hash;  // SHA-256(salt, secret)
};

// The content of a key file. FAILED_PRECONDITION says what is wrong with it.
absl::StatusOr<std::vector<StoredApiKey>> ParseApiKeys(std::string_view text);

class ApiKeyFile {
 public:
  static constexpr size_t kMaxKeys = 10'000;

  explicit ApiKeyFile(const std::string& data_dir);
  const std::string& path() const { return path_; }

  // INVALID_ARGUMENT: a name that is empty, longer than 100 bytes or has control characters.
  // `authorizations` empty: see ApiKey.
  absl::StatusOr<NewApiKey> Create(const std::string& name,
                                   std::vector<fleet::Authorization> authorizations = {});
  // NOT_FOUND if there is no such key; INVALID_ARGUMENT as above.
  absl::Status Rename(const std::string& id, const std::string& name);
  // In the order of creation. No file: no keys.
  absl::StatusOr<std::vector<ApiKey>> List() const;
  // NOT_FOUND if there is no such key.
  absl::Status Revoke(const std::string& id);

  // FAILED_PRECONDITION with the fault if the file is not what this program writes.
  absl::StatusOr<std::vector<StoredApiKey>> Read() const;

 private:
  absl::Status Write(const std::vector<StoredApiKey>& keys) const;

  const std::string path_;
  const std::string lock_path_;
};

// Every key that is valid now: those of the file, and those a config names. Thread-safe.
class KeyRing {
 public:
  // `fingerprint_key`: secret of this server, so that a fingerprint tells nothing about a key.
  KeyRing(const std::string& data_dir, std::string fingerprint_key);

  // The keys of the config's `auth.handlers`: id -> key. They replace those of the last call.
  void SetConfigured(const std::map<std::string, std::string>& keys);

  // The key's fingerprint if this is its secret.
  std::optional<std::string> Verify(const std::string& id, std::string_view secret);

  // Whether the key is still there, and still the one of that fingerprint.
  bool IsCurrent(const std::string& id, std::string_view fingerprint);

  // Whom calls with this key act for. nullopt if there is no such key (any more).
  std::optional<fleet::Principal> PrincipalOf(const std::string& id);

  bool empty();

 private:
  struct Entry {
    std::string salt, hash, fingerprint;
    std::string name{};
    std::vector<fleet::Authorization> authorizations{};
  };
  using Entries = std::map<std::string, Entry>;

  Entry MakeEntry(const std::string& id, std::string salt, std::string hash) const;
  void ReloadIfChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Entry* Find(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ApiKeyFile file_;
  const std::string fingerprint_key_;
  Mutex mutex_;
  FileStamp stamp_ ABSL_GUARDED_BY(mutex_);
  Entries from_file_ ABSL_GUARDED_BY(mutex_);
  Entries configured_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::serve
