// SPDX-License-Identifier: Apache-2.0
#include "machine/config_sections.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>
#include <type_traits>
#include <utility>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxModuleNameLength = 200;

// What a whole section is for; empty: it is read.
constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kSections = {{
    {"components", ""},
    {"services", ""},
    {"remotes", ""},
    {"modules", ""},
    {"packages", ""},
    {"network", ""},
    {"auth", ""},
    {"debug", ""},
    {"revision", ""},
    {"log", ""},
    {"processes", "start programs by the init system, or as modules"},
    {"fragments", "write out what the fragments hold"},
    {"fragment_mods", "write out what the fragments hold"},
    {"jobs", "call the resources from outside"},
    {"cloud", ""},  // read by the link to the hub
    {"maintenance", "change the config when it suits"},
    {"tracing", "see /metrics"},
    {"enable_web_profile", "profile from outside"},
    {"disable_log_deduplication", "nothing is left out of the log"},
}};

std::string Element(std::string_view key, size_t index) {
  return std::string(key) + "[" + std::to_string(index) + "]";
}

// Calls parse(entry, path) for each entry of a list of objects.
template <typename ParseEntry>
absl::Status ForEach(const Attributes& document, const std::string& key, ParseEntry parse) {
  ASSIGN_OR_RETURN(const Json* list, SectionList(document, key));
  if (list == nullptr) return absl::OkStatus();
  for (size_t i = 0; i < list->size(); ++i) parse((*list)[i], Element(key, i));
  return absl::OkStatus();
}

absl::Status NotAnObject(const Json& entry, const std::string& path) {
  return InvalidArgument(path + ": " + ShownInError(entry) + " is not an object");
}

absl::Status CheckLongName(const Attributes& entry, const std::string& name) {
  // The rule of resources, but for the length.
  const bool good = name.size() <= kMaxModuleNameLength && name != "parent" &&
                    CheckResourceName(name.substr(0, 1)).ok() &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return c == '_' || c == '-' || CheckResourceName(std::string(1, c)).ok();
                    });
  if (good) return absl::OkStatus();
  return entry.Error("name",
                     "is not a name: use 1 to 200 letters, digits, '-' and '_', the first a letter "
                     "or digit, and not \"parent\"");
}

absl::Status FillRemote(const Attributes& entry, RemoteConfig& remote) {
  ASSIGN_OR_RETURN(remote.name, entry.RequiredString("name"));
  RETURN_IF_ERROR(Annotate(CheckResourceName(remote.name), entry.PathOf("name")));
  ASSIGN_OR_RETURN(remote.address, entry.RequiredString("address"));
  ASSIGN_OR_RETURN(remote.prefix, entry.String("prefix"));
  return absl::OkStatus();
}

absl::Status FillModule(const Attributes& entry, ModuleConfig& module) {
  ASSIGN_OR_RETURN(module.name, entry.RequiredString("name"));
  RETURN_IF_ERROR(CheckLongName(entry, module.name));
  ASSIGN_OR_RETURN(module.type, entry.Choice("type", "local", {"local", "registry"}));
  if (module.type == "local") {
    ASSIGN_OR_RETURN(module.executable_path, entry.RequiredString("executable_path"));
  } else {
    ASSIGN_OR_RETURN(module.executable_path, entry.String("executable_path"));
  }
  ASSIGN_OR_RETURN(const auto variables, entry.StringMap("env"));
  module.env.insert(variables.begin(), variables.end());
  return absl::OkStatus();
}

absl::Status FillPackage(const Attributes& entry, PackageConfig& package) {
  ASSIGN_OR_RETURN(package.name, entry.RequiredString("name"));
  RETURN_IF_ERROR(CheckLongName(entry, package.name));
  ASSIGN_OR_RETURN(package.package, entry.RequiredString("package"));
  ASSIGN_OR_RETURN(package.version, entry.String("version", "latest"));
  ASSIGN_OR_RETURN(package.type,
                   entry.Choice("type", "ml_model", {"ml_model", "module", "slam_map", "archive"}));
  // They become the name of a folder.
  for (const char* key : {"package", "version"}) {
    ASSIGN_OR_RETURN(const std::string text, entry.String(key));
    if (text.find("..") != std::string::npos || text.find('\0') != std::string::npos ||
        (std::string_view(key) == "version" && text.find('/') != std::string::npos))
      return entry.Error(key, "cannot be part of a folder's name");
  }
  return absl::OkStatus();
}

template <typename Entry>
absl::Status ParseEntries(const Attributes& document, const std::string& key,
                          absl::Status (*fill)(const Attributes&, Entry&),
                          std::vector<Entry>& entries) {
  std::set<std::string> names;
  return ForEach(document, key, [&](const Json& json, const std::string& path) {
    Entry entry;
    entry.path = path;
    if constexpr (requires { entry.json; }) entry.json = json;
    const Attributes fields(json, path);
    entry.problem = json.is_object() ? fill(fields, entry) : NotAnObject(json, path);
    std::string key_of_entry = entry.name;
    if constexpr (std::is_same_v<Entry, PackageConfig>) key_of_entry += ":" + entry.type;
    if (entry.problem.ok() && !names.insert(key_of_entry).second)
      entry.problem = fields.Error("name", "stands twice in \"" + key + "\"");
    entries.push_back(std::move(entry));
  });
}

absl::Status ParseNetwork(const Attributes& document, Config& config) {
  ASSIGN_OR_RETURN(const Attributes network, document.Object("network"));
  if (network.Has("bind_address")) {
    ASSIGN_OR_RETURN(config.bind_address, network.RequiredString("bind_address"));
  }
  ASSIGN_OR_RETURN(config.tls_cert_file, network.String("tls_cert_file"));
  ASSIGN_OR_RETURN(config.tls_key_file, network.String("tls_key_file"));
  if (config.tls_cert_file.empty() != config.tls_key_file.empty())
    return network.Error(config.tls_cert_file.empty() ? "tls_cert_file" : "tls_key_file",
                         "is missing: a certificate and its key go together");
  ASSIGN_OR_RETURN(config.no_tls, network.Bool("no_tls", false));
  ASSIGN_OR_RETURN(const Attributes sessions, network.Object("sessions"));
  if (!sessions.Has("heartbeat_window")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string text, sessions.String("heartbeat_window"));
  const auto window = ParseDuration(text);
  if (!window.ok() || *window < std::chrono::milliseconds(30) || *window > std::chrono::minutes(1))
    return sessions.Error("heartbeat_window", "is not a duration from \"30ms\" to \"1m\"");
  config.session_heartbeat_window = *window;
  return absl::OkStatus();
}

absl::Status FillAuthHandler(const Attributes& entry, AuthHandler& handler) {
  ASSIGN_OR_RETURN(handler.type, entry.RequiredString("type"));
  ASSIGN_OR_RETURN(const Attributes settings, entry.Object("config"));
  if (handler.type != "api-key") return absl::OkStatus();
  for (const auto& [id, key] : settings.json().items()) {
    // The list of ids repeats what the other keys say.
    if (id == "keys" || id == "key") continue;
    if (!key.is_string() || key.get_ref<const std::string&>().empty()) {
      // The value may be a secret: it is not shown.
      return InvalidArgument(settings.PathOf(id) + ": the key is not a non-empty string");
    }
    handler.keys[id] = key.get<std::string>();
  }
  ASSIGN_OR_RETURN(const auto ids, settings.Strings("keys"));
  for (const auto& id : ids) {
    if (!handler.keys.contains(id))
      return InvalidArgument(settings.PathOf("keys") + ": \"" + id +
                             "\" has no key beside the list");
  }
  if (handler.keys.empty())
    return InvalidArgument(settings.path() + ": holds no keys; write {\"keys\": [ID], ID: KEY}");
  return absl::OkStatus();
}

absl::Status ParseAuth(const Attributes& document, Config& config) {
  ASSIGN_OR_RETURN(const Attributes auth, document.Object("auth"));
  if (!auth.Has("handlers")) return absl::OkStatus();
  const Json& list = auth.json().at("handlers");
  if (!list.is_array()) return auth.Error("handlers", "is not a list of objects");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = Element(auth.PathOf("handlers"), i);
    if (!list[i].is_object()) return NotAnObject(list[i], path);
    AuthHandler handler;
    RETURN_IF_ERROR(FillAuthHandler(Attributes(list[i], path), handler));
    config.auth_handlers.push_back(std::move(handler));
  }
  return absl::OkStatus();
}

void WarnOfIgnored(const Attributes& document, Config& config) {
  for (const auto& [key, value] : document.json().items()) {
    const auto known = std::find_if(kSections.begin(), kSections.end(),
                                    [&key = key](const auto& entry) { return entry.first == key; });
    if (known == kSections.end()) {
      config.warnings.push_back(key.substr(0, 80) + ": unknown, ignored");
    } else if (!known->second.empty() && !value.empty()) {
      config.warnings.push_back(key + ": ignored; " + std::string(known->second));
    }
  }
}

}  // namespace

absl::StatusOr<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {{
      // Longer names first where one begins another.
      {"ns", 1.0},
      {"us", 1e3},
      {"µs", 1e3},
      {"ms", 1e6},
      {"s", 1e9},
      {"m", 6e10},
      {"h", 3.6e12},
  }};
  const absl::Status problem = InvalidArgument(ShownInError(std::string(text)) +
                                               " is not a duration like \"2s\" or \"1m30s\"");
  double total = 0;
  if (text.empty()) return problem;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    if (digits == 0 || digits > 18) return problem;
    const std::string number(text.substr(0, digits));
    char* end = nullptr;
    const double amount = std::strtod(number.c_str(), &end);
    text.remove_prefix(digits);
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [text](const auto& u) { return text.starts_with(u.first); });
    if (*end != '\0' || unit == kUnits.end()) return problem;
    text.remove_prefix(unit->first.size());
    total += amount * unit->second;
  }
  // About 146 years: far from the limit of 64 bits.
  if (!(total < 4.6e18)) return problem;
  return std::chrono::nanoseconds(static_cast<int64_t>(std::llround(total)));
}

absl::StatusOr<const Json*> SectionList(const Attributes& document, const std::string& key) {
  if (!document.Has(key)) return nullptr;
  const Json& list = document.json().at(key);
  if (!list.is_array()) return document.Error(key, "is not a list of objects");
  return &list;
}

absl::Status ParsePackages(const Attributes& document, Config& config) {
  return ParseEntries(document, "packages", FillPackage, config.packages);
}

absl::Status ParseSections(const Attributes& document, Config& config) {
  RETURN_IF_ERROR(ParseEntries(document, "remotes", FillRemote, config.remotes));
  RETURN_IF_ERROR(ParseEntries(document, "modules", FillModule, config.modules));
  RETURN_IF_ERROR(ParseNetwork(document, config));
  RETURN_IF_ERROR(ParseAuth(document, config));
  ASSIGN_OR_RETURN(config.debug, document.Bool("debug", false));
  ASSIGN_OR_RETURN(config.revision, document.String("revision"));
  WarnOfIgnored(document, config);
  return absl::OkStatus();
}

}  // namespace bowerbird::machine
