// SPDX-License-Identifier: Apache-2.0
#include "serve/api_keys.h"

#include <ctime>
#include <utility>

#include "base/base64.h"
#include "base/log.h"
#include "base/status.h"
#include "nlohmann/json.hpp"
#include "serve/crypto.h"

namespace bowerbird::serve {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
// A program that knows version 1 alone would take a key with authorizations for an unrestricted
// one.
constexpr int kVersionWithAuthorizations = 2;
constexpr size_t kSecretSize = 32;
constexpr size_t kSaltSize = 16;
constexpr size_t kHashSize = 32;
constexpr size_t kMaxNameSize = 100;

std::string HashOf(std::string_view salt, std::string_view secret) {
  return Sha256(std::string(salt).append(secret));
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, size);
}

absl::Status CheckName(const std::string& name) {
  bool clean = !name.empty() && name.size() <= kMaxNameSize;
  for (const char c : name) clean = clean && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (clean) return absl::OkStatus();
  return InvalidArgument("the name of an API key has 1 to 100 bytes and no control characters");
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// nullopt where one of them is none: the key would have more rights without it.
std::optional<std::vector<fleet::Authorization>> ParseAuthorizations(const Json& key) {
  std::vector<fleet::Authorization> parsed;
  const auto list = key.find("authorizations");
  if (list == key.end()) return parsed;
  if (!list->is_array() || list->empty()) return std::nullopt;
  for (const Json& entry : *list) {
    if (!entry.is_object()) return std::nullopt;
    const auto role = fleet::RoleNamed(TextOf(entry, "role"));
    const auto kind = fleet::ResourceKindNamed(TextOf(entry, "resource_type"));
    const std::string id = TextOf(entry, "resource_id");
    if (!role || !kind || id.empty()) return std::nullopt;
    parsed.push_back({*role, *kind, id});
  }
  return parsed;
}

Json AuthorizationsJson(const std::vector<fleet::Authorization>& authorizations) {
  Json list = Json::array();
  for (const fleet::Authorization& one : authorizations) {
    list.push_back({{"role", fleet::NameOf(one.role)},
                    {"resource_type", fleet::NameOf(one.kind)},
                    {"resource_id", one.resource_id}});
  }
  return list;
}

std::optional<StoredApiKey> ParseKey(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto salt = HexDecode(TextOf(json, "salt"));
  const auto hash = HexDecode(TextOf(json, "sha256"));
  StoredApiKey stored{
      {TextOf(json, "id"), TextOf(json, "name"), TextOf(json, "created"), {}}, "", ""};
  if (stored.key.id.empty() || !salt || !hash || hash->size() != kHashSize) return std::nullopt;
  auto authorizations = ParseAuthorizations(json);
  if (!authorizations) return std::nullopt;
  stored.key.authorizations = *std::move(authorizations);
  stored.salt = *salt;
  stored.hash = *hash;
  return stored;
}

}  // namespace

ApiKeyFile::ApiKeyFile(const std::string& data_dir)
    : path_(data_dir + "/api_keys.json"), lock_path_(data_dir + "/api_keys.lock") {}

absl::StatusOr<std::vector<StoredApiKey>> ParseApiKeys(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return FailedPrecondition("it is no JSON object");
  const auto version = json.find("version");
  if (version == json.end() ||
      (*version != Json(kVersion) && *version != Json(kVersionWithAuthorizations)))
    return FailedPrecondition("its version is neither 1 nor 2");
  const auto keys = json.find("keys");
  if (keys == json.end() || !keys->is_array()) return FailedPrecondition("it has no list of keys");
  std::vector<StoredApiKey> parsed;
  for (const Json& entry : *keys) {
    auto key = ParseKey(entry);
    if (!key) {
      return FailedPrecondition("key " + std::to_string(parsed.size()) +
                                " of the list is incomplete");
    }
    parsed.push_back(*std::move(key));
  }
  return parsed;
}

absl::StatusOr<std::vector<StoredApiKey>> ApiKeyFile::Read() const {
  const auto text = ReadPrivateFile(path_);
  if (absl::IsNotFound(text.status())) return std::vector<StoredApiKey>();
  RETURN_IF_ERROR(text.status());
  auto keys = ParseApiKeys(*text);
  if (keys.ok()) return keys;
  return FailedPrecondition(path_ + " is damaged (" + MessageOf(keys.status()) +
                            "): restore it, or remove it and create new keys");
}

absl::Status ApiKeyFile::Write(const std::vector<StoredApiKey>& keys) const {
  Json list = Json::array();
  int version = kVersion;
  for (const StoredApiKey& stored : keys) {
    list.push_back({{"id", stored.key.id},
                    {"name", stored.key.name},
                    {"created", stored.key.created},
                    {"salt", HexEncode(stored.salt)},
                    {"sha256", HexEncode(stored.hash)}});
    if (stored.key.authorizations.empty()) continue;
    list.back()["authorizations"] = AuthorizationsJson(stored.key.authorizations);
    version = kVersionWithAuthorizations;
  }
  const Json json = {{"version", version}, {"keys", list}};
  return WritePrivateFile(path_,
                          json.dump(2, ' ', false, Json::error_handler_t::replace).append("\n"));
}

absl::StatusOr<NewApiKey> ApiKeyFile::Create(const std::string& name,
                                             std::vector<fleet::Authorization> authorizations) {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Take(lock_path_));
  ASSIGN_OR_RETURN(std::vector<StoredApiKey> keys, Read());
  if (keys.size() >= kMaxKeys)
    return ResourceExhausted("there are " + std::to_string(keys.size()) +
                             " API keys: revoke some before creating more");
  NewApiKey created{{RandomUuid(), name, Now(), std::move(authorizations)},
                    Base64UrlEncode(RandomBytes(kSecretSize))};
  const std::string salt = RandomBytes(kSaltSize);
  keys.push_back({created.key, salt, HashOf(salt, created.secret)});
  RETURN_IF_ERROR(Write(keys));
  return created;
}

absl::StatusOr<std::vector<ApiKey>> ApiKeyFile::List() const {
  ASSIGN_OR_RETURN(const std::vector<StoredApiKey> stored, Read());
  std::vector<ApiKey> keys;
  for (const StoredApiKey& key : stored) keys.push_back(key.key);
  return keys;
}

absl::Status ApiKeyFile::Revoke(const std::string& id) {
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Take(lock_path_));
  ASSIGN_OR_RETURN(std::vector<StoredApiKey> keys, Read());
  if (std::erase_if(keys, [&id](const StoredApiKey& key) { return key.key.id == id; }) == 0)
    return NotFound("there is no API key with the id \"" + id + "\": see `bowerbird key list`");
  return Write(keys);
}

absl::Status ApiKeyFile::Rename(const std::string& id, const std::string& name) {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Take(lock_path_));
  ASSIGN_OR_RETURN(std::vector<StoredApiKey> keys, Read());
  for (StoredApiKey& stored : keys) {
    if (stored.key.id != id) continue;
    stored.key.name = name;
    return Write(keys);
  }
  return NotFound("there is no API key with the id \"" + id + "\": see `bowerbird key list`");
}

KeyRing::KeyRing(const std::string& data_dir, std::string fingerprint_key)
    : file_(data_dir), fingerprint_key_(std::move(fingerprint_key)) {}

KeyRing::Entry KeyRing::MakeEntry(const std::string& id, std::string salt, std::string hash) const {
  Entry entry;
  entry.salt = std::move(salt);
  entry.hash = std::move(hash);
  const std::string all = id + '\0' + entry.salt + entry.hash;
  entry.fingerprint = HexEncode(HmacSha256(fingerprint_key_, all)).substr(0, 32);
  return entry;
}

void KeyRing::SetConfigured(const std::map<std::string, std::string>& keys) {
  Entries entries;
  // No random salt here: a token must outlive a restart of the server with the same config.
  for (const auto& [id, secret] : keys)
    entries.emplace(id, MakeEntry(id, "config", HashOf("config", secret)));
  MutexLock lock(mutex_);
  configured_ = std::move(entries);
}

void KeyRing::ReloadIfChanged() {
  const FileStamp stamp = FileStamp::Of(file_.path());
  if (stamp == stamp_) return;
  stamp_ = stamp;
  from_file_.clear();
  const auto stored = file_.Read();
  if (!stored.ok()) {
    LogError("auth", "no API key of the file is valid: " + MessageOf(stored.status()));
    return;
  }
  for (const StoredApiKey& key : *stored) {
    Entry entry = MakeEntry(key.key.id, key.salt, key.hash);
    entry.name = key.key.name;
    entry.authorizations = key.key.authorizations;
    from_file_.emplace(key.key.id, std::move(entry));
  }
}

const KeyRing::Entry* KeyRing::Find(const std::string& id) {
  ReloadIfChanged();
  if (const auto found = configured_.find(id); found != configured_.end()) return &found->second;
  if (const auto found = from_file_.find(id); found != from_file_.end()) return &found->second;
  return nullptr;
}

std::optional<std::string> KeyRing::Verify(const std::string& id, std::string_view secret) {
  MutexLock lock(mutex_);
  const Entry* entry = Find(id);
  if (entry == nullptr || !ConstantTimeEquals(HashOf(entry->salt, secret), entry->hash))
    return std::nullopt;
  return entry->fingerprint;
}

bool KeyRing::IsCurrent(const std::string& id, std::string_view fingerprint) {
  MutexLock lock(mutex_);
  const Entry* entry = Find(id);
  return entry != nullptr && ConstantTimeEquals(entry->fingerprint, fingerprint);
}

std::optional<fleet::Principal> KeyRing::PrincipalOf(const std::string& id) {
  MutexLock lock(mutex_);
  const Entry* entry = Find(id);
  if (entry == nullptr) return std::nullopt;
  return fleet::Principal{.name = entry->name.empty() ? id : entry->name,
                          .unrestricted = entry->authorizations.empty(),
                          .authorizations = entry->authorizations};
}

bool KeyRing::empty() {
  MutexLock lock(mutex_);
  ReloadIfChanged();
  return from_file_.empty() && configured_.empty();
}

}  // namespace bowerbird::serve
