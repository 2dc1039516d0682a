// SPDX-License-Identifier: Apache-2.0
#include "machine/config.h"

#include <cstdlib>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "machine/attributes.h"
#include "machine/config_json.h"
#include "machine/config_resource.h"
#include "machine/config_sections.h"
#include "machine/placeholders.h"

namespace bowerbird::machine {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxResources = 10000;

std::optional<std::string> ProcessVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::Status ReplaceAll(Json& document, Placeholders& placeholders) {
  for (auto it = document.begin(); it != document.end(); ++it) {
    if (it.key() != "packages") RETURN_IF_ERROR(placeholders.ReplaceIn(it.value(), it.key()));
  }
  return absl::OkStatus();
}

absl::Status ParseResources(const Attributes& document, Section section, Config& config) {
  const std::string key = section == Section::kComponents ? "components" : "services";
  ASSIGN_OR_RETURN(const Json* list, SectionList(document, key));
  if (list == nullptr) return absl::OkStatus();
  if (list->size() > kMaxResources)
    return InvalidArgument(key + ": more than " + std::to_string(kMaxResources) + " entries");
  for (size_t i = 0; i < list->size(); ++i) {
    config.resources.push_back(
        ParseResource((*list)[i], section, key + "[" + std::to_string(i) + "]"));
  }
  return absl::OkStatus();
}

void FindDuplicates(Config& config) {
  std::map<ResourceName, std::string> first;  // name -> path
  for (auto& resource : config.resources) {
    if (!resource.problem.ok()) continue;
    const auto [found, is_new] = first.try_emplace(resource.name, resource.path);
    if (is_new) continue;
    resource.problem =
        InvalidArgument(resource.path + ".name: \"" + resource.name.name + "\" is taken by " +
                        found->second + ": names must be unique per API");
  }
}

void PrefixProblems(Config& config) {
  const auto prefix = [&config](auto& entries) {
    for (auto& entry : entries) entry.problem = Annotate(entry.problem, config.file_name);
  };
  prefix(config.resources);
  prefix(config.remotes);
  prefix(config.modules);
  prefix(config.packages);
  for (auto& warning : config.warnings) warning.insert(0, config.file_name + ": ");
}

absl::StatusOr<Config> Parse(std::string_view text, const ConfigOptions& options) {
  const std::function<std::optional<std::string>(const std::string&)> variable =
      options.variable ? options.variable : ProcessVariable;
  Config config;
  config.file_name = options.file_name;
  config.text_hash = std::hash<std::string_view>()(text);
  Placeholders variables(variable, options.packages_dir, config.packages);
  ASSIGN_OR_RETURN(const std::string json_text, variables.ReplaceOutsideStrings(text));
  ASSIGN_OR_RETURN(Json json, ParseConfigJson(json_text, options.file_name));
  if (!json.is_object())
    return InvalidArgument(options.file_name + ": holds " + ShownInError(json) +
                           ", not an object with \"components\" and \"services\"");

  if (json.contains("packages"))
    RETURN_IF_ERROR(Annotate(variables.ReplaceIn(json["packages"], "packages"), config.file_name));
  config.warnings = variables.warnings();
  const Attributes document(json, "");
  RETURN_IF_ERROR(Annotate(ParsePackages(document, config), config.file_name));

  Placeholders placeholders(variable, options.packages_dir, config.packages);
  RETURN_IF_ERROR(Annotate(ReplaceAll(json, placeholders), config.file_name));
  config.warnings.insert(config.warnings.end(), placeholders.warnings().begin(),
                         placeholders.warnings().end());
  const auto sections = [&]() -> absl::Status {
    RETURN_IF_ERROR(ParseResources(document, Section::kComponents, config));
    RETURN_IF_ERROR(ParseResources(document, Section::kServices, config));
    return ParseSections(document, config);
  };
  RETURN_IF_ERROR(Annotate(sections(), config.file_name));
  FindDuplicates(config);
  PrefixProblems(config);
  return config;
}

}  // namespace

bool ResourceConfig::SameAs(const ResourceConfig& other) const {
  return name == other.name && model == other.model && attributes == other.attributes &&
         depends_on == other.depends_on && frame == other.frame && log_level == other.log_level &&
         problem == other.problem;
}

absl::StatusOr<std::string> ReadConfigText(const std::string& path) {
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return ErrnoStatus(errno, "cannot open the config " + path);
  struct stat info {};
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return InvalidArgument("the config " + path + " is not a regular file");
  }
  std::string text;
  char buffer[65536];
  ssize_t got = 0;
  // One byte over the limit is enough to be refused.
  while (text.size() <= kMaxConfigBytes && (got = read(file, buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(got));
  const int error = errno;
  close(file);
  if (got < 0) return ErrnoStatus(error, "cannot read the config " + path);
  return text;
}

absl::StatusOr<Config> ParseConfig(std::string_view text, const ConfigOptions& options) {
  return Parse(text, options);
}

absl::StatusOr<Config> ReadConfig(const std::string& path, const ConfigOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadConfigText(path));
  ConfigOptions named = options;
  if (named.file_name.empty()) named.file_name = path;
  return Parse(text, named);
}

}  // namespace bowerbird::machine
