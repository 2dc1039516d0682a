// SPDX-License-Identifier: Apache-2.0
//
// The machine config: the JSON of the reference machine, both spellings, as values.
// Format and every key: docs/formats/machine-config.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/name.h"
#include "nlohmann/json.hpp"

namespace bowerbird::machine {

struct ResourceConfig {
  ResourceName name;
  ModelName model;
  nlohmann::json attributes = nlohmann::json::object();  // placeholders already replaced
  std::vector<std::string> depends_on;                   // bare or full names
  nlohmann::json frame;                                  // null if absent
  std::vector<std::pair<std::string, nlohmann::json>> service_configs;  // type, attributes
  std::string log_level;                                                // "" = the program's
  std::string path;  // "components[2]", for errors
  // What is wrong with this entry itself (bad name, bad model, duplicate). The rest of the config
  // stands.
  absl::Status problem;

  // Deep equality of everything that makes a rebuild necessary: all but `path` and
  // `service_configs`, which data capture reads from the config itself.
  bool SameAs(const ResourceConfig& other) const;
};

// Remotes, modules and packages keep their faults in `problem`, too.
struct RemoteConfig {
  std::string name, address, prefix;
  nlohmann::json json;  // the entry as written, placeholders replaced
  std::string path;     // "remotes[0]"
  absl::Status problem;
};

struct ModuleConfig {
  std::string name, type, executable_path;
  std::map<std::string, std::string> env;
  nlohmann::json json;
  std::string path;
  absl::Status problem;
};

struct PackageConfig {
  std::string name, package, version;
  std::string type = "ml_model";  // or module, slam_map, archive
  std::string path;
  absl::Status problem;
};

struct AuthHandler {
  std::string type;                         // "api-key"
  std::map<std::string, std::string> keys;  // id -> key
};

struct Config {
  std::string file_name;
  uint64_t text_hash = 0;                 // of the bytes it was parsed from; see ConfigWatcher
  std::vector<ResourceConfig> resources;  // components, then services, in file order
  std::vector<RemoteConfig> remotes;
  std::vector<ModuleConfig> modules;
  std::vector<PackageConfig> packages;
  std::vector<AuthHandler> auth_handlers;
  std::optional<std::string> bind_address;
  std::string tls_cert_file, tls_key_file;
  bool no_tls = false;
  std::chrono::nanoseconds session_heartbeat_window{std::chrono::seconds(2)};
  bool debug = false;
  std::string revision;
  std::vector<std::string> warnings;  // unknown placeholders, ignored sections
};

struct ConfigOptions {
  std::string file_name;     // for messages
  std::string packages_dir;  // where ${packages...} point to
  // ${VAR} and ${environment.VAR}; empty function: the process environment.
  std::function<std::optional<std::string>(const std::string&)> variable;
};

// INVALID_ARGUMENT: not JSON (with line and column), a section of the wrong type, or a fault in
// `network` or `auth`, where half a config could open a door. Faults inside one resource's entry
// are kept in its `problem`; every message begins with the file's name.
absl::StatusOr<Config> ParseConfig(std::string_view text, const ConfigOptions& options);
// `options.file_name` empty: the path.
absl::StatusOr<Config> ReadConfig(const std::string& path, const ConfigOptions& options);

// The bytes of a config file; a file that is too large is cut where ParseConfig refuses it.
absl::StatusOr<std::string> ReadConfigText(const std::string& path);

}  // namespace bowerbird::machine
