// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_program.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/log.h"
#include "base/status.h"
#include "machine/module/module_archive.h"
#include "machine/placeholders.h"
#include "nlohmann/json.hpp"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kMeta[] = "meta.json";
constexpr size_t kMaxMeta = 1 << 20;
constexpr size_t kVersionLength = 16;  // of the hash that tells two archives apart

std::string TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool IsArchive(std::string_view path) {
  return path.ends_with(".tar.gz") || path.ends_with(".tgz");
}

absl::Status CheckExecutable(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return NotFound(path.string() + " does not exist");
  if (fs::is_directory(path, error))
    return FailedPrecondition(path.string() + " is a folder; name the program in it");
  if (access(path.c_str(), X_OK) != 0)
    return FailedPrecondition(path.string() + " may not be run; chmod +x it");
  return absl::OkStatus();
}

absl::StatusOr<Json> ReadMeta(const fs::path& folder) {
  const fs::path path = folder / kMeta;
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound(path.string() + " is missing");
  std::string text(kMaxMeta, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  Json meta = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!meta.is_object()) return InvalidArgument(path.string() + " is no JSON object");
  return meta;
}

// A file that meta.json names, below `folder`, also when links on the way are followed.
absl::StatusOr<fs::path> FileOf(const fs::path& folder, const std::string& name,
                                const std::string& key) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  const fs::path full = error ? fs::path() : fs::weakly_canonical(root / name, error);
  const fs::path relative = full.lexically_relative(root);
  if (error || relative.empty() || *relative.begin() == "..")
    return InvalidArgument((folder / kMeta).string() + ": " + key + " \"" + name +
                           "\" is not in the archive");
  RETURN_IF_ERROR(Annotate(CheckExecutable(full), key));
  return full;
}

// `otherwise`: the executable where meta.json names none.
absl::StatusOr<ModuleProgram> ProgramIn(const fs::path& folder, const std::string& otherwise) {
  ModuleProgram program;
  program.root = folder.string();
  auto meta = ReadMeta(folder);
  if (!meta.ok() && (otherwise.empty() || !absl::IsNotFound(meta.status()))) return meta.status();
  const std::string entrypoint = meta.ok() ? TextOf(*meta, "entrypoint") : "";
  if (!entrypoint.empty()) {
    ASSIGN_OR_RETURN(program.executable, FileOf(folder, entrypoint, "entrypoint"));
  } else if (otherwise.empty()) {
    return InvalidArgument((folder / kMeta).string() +
                           " has no \"entrypoint\": name the program there");
  } else {
    RETURN_IF_ERROR(CheckExecutable(otherwise));
    program.executable = otherwise;
  }
  if (const std::string first = meta.ok() ? TextOf(*meta, "first_run") : ""; !first.empty()) {
    ASSIGN_OR_RETURN(program.first_run, FileOf(folder, first, "first_run"));
  }
  return program;
}

absl::Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? Internal("cannot make " + folder.string() + ": " + error.message())
               : absl::OkStatus();
}

absl::Status Unpack(const std::string& archive, const std::string& wanted, const fs::path& folder) {
  if (!wanted.empty()) {
    ASSIGN_OR_RETURN(const std::string hash, HashOfFile(archive));
    if (hash != wanted)
      return InvalidArgument(archive + " has the SHA-256 " + hash + ", not " + wanted +
                             ": it is another file, or damaged");
  }
  RETURN_IF_ERROR(MakeFolder(folder.parent_path()));
  RETURN_IF_ERROR(UnpackArchive(archive, folder.string()));
  LogInfo("module", "unpacked " + archive + " to " + folder.string());
  return absl::OkStatus();
}

// Other versions of a module whose archive has been replaced.
void RemoveOthers(const fs::path& kept, const std::string& prefix) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kept.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    const std::string version = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
    const bool is_version = version.size() >= kVersionLength &&
                            version.find_first_not_of("0123456789abcdef") >= kVersionLength &&
                            (version.size() == kVersionLength || version[kVersionLength] == '.');
    if (is_version && !name.starts_with(kept.filename().string()))
      fs::remove_all(entry.path(), error);
  }
}

absl::StatusOr<ModuleProgram> FromArchive(const ModuleConfig& module, const fs::path& archive,
                                          const PackageFolders& folders) {
  ASSIGN_OR_RETURN(const std::string hash, HashOfFile(archive.string()));
  const std::string prefix = "synthetic-" + module.name + "-";
  const fs::path folder =
      fs::path(folders.unpacked) / "data" / "module" / (prefix + hash.substr(0, kVersionLength));
  std::error_code error;
  if (!fs::exists(folder, error))
    RETURN_IF_ERROR(Unpack(archive.string(), TextOf(module.json, "sha256"), folder));
  RemoveOthers(folder, prefix);
  return ProgramIn(folder, "");
}

// Where the package of a registry entry must be: that of the config's "packages", or the one that
// its id and version name.
std::string RegistryFolder(const ModuleConfig& module, const PackageFolders& folders) {
  if (!folders.of_module.empty()) return folders.of_module;
  PackageConfig package;
  package.type = "module";
  package.package = TextOf(module.json, "module_id");
  package.version = TextOf(module.json, "version");
  if (package.package.empty() || package.version.empty()) return "";
  // They become the name of a folder.
  for (const std::string& text : {package.package, package.version}) {
    if (text.find("..") != std::string::npos) return "";
  }
  std::replace(package.package.begin(), package.package.end(), ':', '-');
  std::replace(package.version.begin(), package.version.end(), '/', '-');
  return PackagePath(folders.packages, package);
}

absl::StatusOr<ModuleProgram> FromRegistry(const ModuleConfig& module,
                                           const PackageFolders& folders) {
  const fs::path folder = RegistryFolder(module, folders);
  std::error_code error;
  if (!folder.empty()) {
    const std::string archive = folder.string() + ".tar.gz";
    if (!fs::exists(folder, error) && fs::exists(archive, error))
      RETURN_IF_ERROR(Unpack(archive, TextOf(module.json, "sha256"), folder));
    if (fs::is_directory(folder, error)) return ProgramIn(folder, module.executable_path);
    if (module.executable_path.empty())
      return NotFound("its package is not on this machine: put the archive at " + archive +
                      ", or its files into " + folder.string());
  }
  if (module.executable_path.empty())
    return InvalidArgument(
        "nothing says where it is: give \"module_id\" and \"version\", an entry "
        "of \"packages\" with its name, or \"executable_path\"");
  const fs::path executable = fs::absolute(module.executable_path, error);
  return ProgramIn(executable.parent_path(), executable.string());
}

}  // namespace

std::string PackageFolderOf(const ModuleConfig& module, const std::vector<PackageConfig>& packages,
                            const std::string& packages_folder) {
  std::string id = TextOf(module.json, "module_id");
  std::replace(id.begin(), id.end(), ':', '/');
  for (const PackageConfig& package : packages) {
    if (!package.problem.ok() || package.type != "module") continue;
    if (package.name == module.name || (!id.empty() && package.package == id))
      return PackagePath(packages_folder, package);
  }
  return "";
}

absl::StatusOr<ModuleProgram> FindModuleProgram(const ModuleConfig& module,
                                                const PackageFolders& folders) {
  const std::string who = "module \"" + module.name + "\"";
  absl::StatusOr<ModuleProgram> program;
  if (module.type == "registry") {
    program = FromRegistry(module, folders);
  } else {
    std::error_code error;
    const fs::path path = fs::absolute(module.executable_path, error);
    if (IsArchive(path.string()) && fs::is_regular_file(path, error)) {
      program = FromArchive(module, path, folders);
    } else {
      absl::Status status = CheckExecutable(path);
      program = status.ok() ? absl::StatusOr<ModuleProgram>(
                                  ModuleProgram{path.string(), path.parent_path().string(), ""})
                            : absl::StatusOr<ModuleProgram>(std::move(status));
    }
  }
  if (!program.ok()) return Annotate(program.status(), who);
  return program;
}

}  // namespace bowerbird::machine
