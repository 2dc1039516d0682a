// SPDX-License-Identifier: Apache-2.0
#include "app/module_starter.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "machine/name.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;
using machine::Api;
using machine::ModelName;

constexpr size_t kLongestName = 40;

// What differs between the languages; the rest is in the templates.
struct Language {
  std::string entrypoint;  // "@NAME@" = the name of the module
  std::string resource;    // the file with the code of the resource
  std::string runtime;
};

const std::map<std::string, Language>& Languages() {
  static const auto& languages = *new std::map<std::string, Language>{
      {"cpp", {"@NAME@", "resource.cc", "module.cc"}},
      {"node", {"main.mjs", "resource.mjs", "module.mjs"}},
      {"python", {"main.py", "resource_model.py", "modular.py"}},
  };
  return languages;
}

struct ApiTemplate {
  std::string folder;  // below api/ of each language
  std::string proto;
};

const std::map<std::string, ApiTemplate>& Apis() {
  static const auto& apis = *new std::map<std::string, ApiTemplate>{
      {"rdk:component:generic", {"generic", "component/generic/v1/generic.proto"}},
      {"rdk:component:sensor", {"sensor", "component/sensor/v1/sensor.proto"}},
      {"rdk:service:generic", {"generic", "service/generic/v1/generic.proto"}},
      {"rdk:service:mlmodel", {"mlmodel", "service/mlmodel/v1/mlmodel.proto"}},
  };
  return apis;
}

// Names of files and targets that every starter has.
constexpr std::string_view kTaken[] = {"all",  "build",   "clean",    "help",         "install",
                                       "main", "module",  "messages", "package",      "proto",
                                       "test", "testing", "resource", "resource-test"};

absl::Status CheckName(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (name.empty() || name.size() > kLongestName || name[0] < 'a' || name[0] > 'z' ||
      !std::all_of(name.begin(), name.end(), allowed))
    return InvalidArgument("the name \"" + name +
                           "\" cannot be that of a module: it must be small letters, digits and "
                           "'-', first a letter, 40 at most");
  if (std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken))
    return InvalidArgument("the name \"" + name +
                           "\" is that of a file of every starter: take another one");
  return absl::OkStatus();
}

template <typename Map>
std::vector<std::string> KeysOf(const Map& map) {
  std::vector<std::string> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

absl::StatusOr<std::string> ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound(path.string() + " is missing: install the program again");
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

absl::Status WriteText(const fs::path& path, const std::string& text, bool is_program) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) return Unknown(path.string() + " cannot be written: is there room, and may you write?");
  if (is_program) {
    using fs::perms;
    fs::permissions(path, perms::owner_exec | perms::group_exec | perms::others_exec,
                    fs::perm_options::add, error);
  }
  return absl::OkStatus();
}

using Replacements = std::vector<std::pair<std::string, std::string>>;

// The files directly in `from`, filled in, to the folder `to`.
absl::Status CopyFilled(const fs::path& from, const fs::path& to, const Replacements& values) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(from, error))
    if (entry.is_regular_file(error)) files.push_back(entry.path());
  if (files.empty())
    return NotFound("there are no templates in " + from.string() + ": install the program again");
  for (const fs::path& file : files) {
    ASSIGN_OR_RETURN(const std::string text, ReadText(file));
    const bool is_program = text.rfind("#!", 0) == 0;
    RETURN_IF_ERROR(WriteText(to / file.filename(), absl::StrReplaceAll(text, values), is_program));
  }
  return absl::OkStatus();
}

absl::Status CopyProtos(const StarterOptions& options, const fs::path& to) {
  ASSIGN_OR_RETURN(
      const auto names,
      ProtoClosure(options.definitions, {"module/v1/module.proto", Apis().at(options.api).proto}));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string text, ReadText(fs::path(options.definitions) / name));
    RETURN_IF_ERROR(WriteText(to / "proto" / name, text, false));
  }
  return absl::OkStatus();
}

absl::StatusOr<ModelName> ModelOf(const StarterOptions& options, const Api& api) {
  if (options.model.empty()) return ModelName{"local", options.name, api.subtype};
  ASSIGN_OR_RETURN(const ModelName model, ModelName::Parse(options.model));
  if (std::count(options.model.begin(), options.model.end(), ':') != 2 || model.ns == "rdk")
    return InvalidArgument("the model \"" + options.model +
                           "\" must be namespace:family:name, and not in the namespace rdk");
  return model;
}

absl::Status Fill(const StarterOptions& options, const ModelName& model, const fs::path& folder) {
  const Language& language = Languages().at(options.language);
  const auto named = [&](const std::string& text) {
    return absl::StrReplaceAll(text, {{"@NAME@", options.name}});
  };
  const Replacements values = {
      {"@NAME@", options.name},
      {"@API@", options.api},
      {"@MODEL@", model.ToString()},
      {"@NAMESPACE@", model.ns},
      {"@ENTRYPOINT@", named(language.entrypoint)},
      {"@RESOURCE@", language.resource},
      {"@RUNTIME@", language.runtime},
      {"@SECTION@", options.api.find(":service:") == std::string::npos ? "components" : "services"},
  };
  const fs::path templates = options.templates;
  const fs::path own = templates / options.language;
  RETURN_IF_ERROR(CopyFilled(templates / "common", folder, values));
  RETURN_IF_ERROR(CopyFilled(own, folder, values));
  RETURN_IF_ERROR(CopyFilled(own / "api" / Apis().at(options.api).folder, folder, values));
  return CopyProtos(options, folder);
}

}  // namespace

std::vector<std::string> StarterLanguages() { return KeysOf(Languages()); }
std::vector<std::string> StarterApis() { return KeysOf(Apis()); }

absl::StatusOr<std::vector<std::string>> ProtoClosure(const std::string& folder,
                                                      const std::vector<std::string>& names) {
  std::set<std::string> seen;
  std::vector<std::string> open = names;
  constexpr std::string_view kImport = "import \"";
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    if (name.rfind("google/protobuf/", 0) == 0 || !seen.insert(name).second) continue;
    ASSIGN_OR_RETURN(const std::string text, ReadText(fs::path(folder) / name));
    for (size_t at = text.find(kImport); at != std::string::npos; at = text.find(kImport, at)) {
      at += kImport.size();
      open.push_back(text.substr(at, text.find('"', at) - at));
    }
  }
  return std::vector<std::string>(seen.begin(), seen.end());
}

absl::StatusOr<std::string> WriteStarter(const StarterOptions& options) {
  RETURN_IF_ERROR(CheckName(options.name));
  if (!Languages().contains(options.language))
    return InvalidArgument("there is no starter in \"" + options.language +
                           "\"; there are: " + absl::StrJoin(StarterLanguages(), ", "));
  ASSIGN_OR_RETURN(const Api api, Api::Parse(options.api));
  if (!Apis().contains(options.api))
    return InvalidArgument("there is no starter for the API \"" + options.api +
                           "\"; there are: " + absl::StrJoin(StarterApis(), ", "));
  ASSIGN_OR_RETURN(const ModelName model, ModelOf(options, api));
  const fs::path folder = fs::path(options.parent) / options.name;
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error)))
    return absl::AlreadyExistsError(folder.string() +
                                    " is there already: take another name, or remove it");
  const fs::path unfinished = folder.string() + ".new-" + std::to_string(getpid());
  absl::Status filled = Fill(options, model, unfinished);
  if (filled.ok()) {
    fs::rename(unfinished, folder, error);
    if (error) filled = Unknown(folder.string() + " cannot be made: " + error.message());
  }
  std::error_code ignored;
  if (!filled.ok()) fs::remove_all(unfinished, ignored);
  RETURN_IF_ERROR(filled);
  return folder.string();
}

}  // namespace bowerbird::app
