// SPDX-License-Identifier: Apache-2.0
//
// The machine config: the JSON of the reference machine, both spellings, as values.
// Format and every key: docs/formats/machine-config.md.
#pragma once

#include <chrono>
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

  // Deep equality of everything that makes a rebuild necessary.
  bool SameAs(const ResourceConfig& other) const;
};

struct RemoteConfig {
  std::string name, address, prefix;
  nlohmann::json json;  // the entry as written
};

struct ModuleConfig {
  std::string name, type, executable_path;
  std::map<std::string, std::string> env;
  nlohmann::json json;
};

struct PackageConfig {
  std::string name, package, version, type;
};

struct AuthHandler {
  std::string type;                         // "api-key"
  std::map<std::string, std::string> keys;  // id -> key
};

struct Config {
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

// INVALID_ARGUMENT: not JSON (with line and column), or a section of the wrong type. Faults inside
// one resource's entry are kept in its `problem`.
absl::StatusOr<Config> ParseConfig(std::string_view text, const ConfigOptions& options);
absl::StatusOr<Config> ReadConfig(const std::string& path, const ConfigOptions& options);

}  // namespace bowerbird::machine
