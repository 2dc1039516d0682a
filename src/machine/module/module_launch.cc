// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_launch.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <system_error>

#include "base/descriptor.h"
#include "base/sha256.h"
#include "base/status.h"
#include "machine/attributes.h"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxSocketPath = 103;  // of sockaddr_un, without the end

std::string RandomLetters() {
  std::random_device random;
  std::string letters;
  for (int i = 0; i < 5; ++i) letters += static_cast<char>('a' + random() % 26);
  return letters;
}

absl::StatusOr<std::string> MakeDataFolder(const ModuleConfig& module, const ModuleHost& host) {
  const fs::path folder = fs::path(host.data_dir) / "module-data" / host.part_id / module.name;
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms(0750), error);
  if (error) return Internal("cannot make " + folder.string() + ": " + error.message());
  return folder.string();
}

// One that nobody uses now; another program may take it before the module does.
absl::StatusOr<std::string> FreeTcpAddress() {
  const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (probe.get() < 0 || bind(probe.get(), raw, size) != 0 ||
      getsockname(probe.get(), raw, &size) != 0)
    return ErrnoStatus(errno, "find a free TCP port");
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

absl::StatusOr<std::string> AddressFor(const ModuleConfig& module, const ModuleHost& host) {
  ASSIGN_OR_RETURN(const bool tcp, Attributes(module.json, module.path).Bool("tcp_mode", false));
  if (tcp) return FreeTcpAddress();
  return ModuleSocketPath(host.socket_folder, module.name, RandomLetters());
}

absl::Status TakeLimits(const ModuleConfig& module, ModuleLaunch& launch) {
  ASSIGN_OR_RETURN(const Attributes limits, Attributes(module.json, module.path).Object("limits"));
  for (const auto& [key, value] : limits.json().items()) {
    if (key != "memory_mb" && key != "open_files" && key != "nice")
      return InvalidArgument(limits.PathOf(key) +
                             " is no limit: there are memory_mb, open_files and nice");
  }
  ASSIGN_OR_RETURN(const int64_t megabytes, limits.Int("memory_mb", 0, 0, 1 << 24));
  ASSIGN_OR_RETURN(const int64_t files, limits.Int("open_files", 0, 0, 1 << 20));
  ASSIGN_OR_RETURN(const int64_t nice, limits.Int("nice", 0, 0, 19));
  // Not the address space: shared libraries and reserved ranges cost nothing.
  if (megabytes > 0)
    launch.limits.emplace_back(RLIMIT_DATA, static_cast<uint64_t>(megabytes) << 20);
  if (files > 0) launch.limits.emplace_back(RLIMIT_NOFILE, static_cast<uint64_t>(files));
  launch.nice = static_cast<int>(nice);
  return absl::OkStatus();
}

bool IsSet(const Variables& variables, const std::string& key) {
  return std::any_of(variables.begin(), variables.end(),
                     [&](const auto& entry) { return entry.first == key; });
}

// The config's own entries count, but for the address.
Variables EnvironmentFor(const ModuleConfig& module, const ModuleHost& host, Variables own) {
  for (const auto& [key, value] : module.env) {
    if (key == "VIAM_MODULE_ADDRESS") continue;
    std::erase_if(own, [&key = key](const auto& entry) { return entry.first == key; });
    own.emplace_back(key, value);
  }
  for (const auto& entry : host.environment) {
    if (!IsSet(own, entry.first) && std::getenv(entry.first.c_str()) == nullptr)
      own.push_back(entry);
  }
  return own;
}

}  // namespace

std::string ModuleSocketPath(const std::string& folder, const std::string& name,
                             const std::string& suffix) {
  std::string end = "-";
  end.append(suffix).append(".sock");
  std::string path = folder + "/" + name + end;
  if (path.size() <= kMaxSocketPath) return path;
  std::string hash = "-";
  hash += Sha256Hex(std::as_bytes(std::span(name))).substr(0, 5);
  const size_t fixed = folder.size() + 1 + hash.size() + end.size();
  const size_t left = fixed < kMaxSocketPath ? kMaxSocketPath - fixed : 0;
  path = folder + "/";
  path.append(name, 0, left).append(hash).append(end);
  return path;
}

absl::StatusOr<ModuleLaunch> PlanLaunch(const ModuleConfig& module, const ModuleProgram& program,
                                        const ModuleHost& host) {
  ASSIGN_OR_RETURN(const std::string data, MakeDataFolder(module, host));
  ModuleLaunch launch;
  ASSIGN_OR_RETURN(launch.address, AddressFor(module, host));
  RETURN_IF_ERROR(TakeLimits(module, launch));
  launch.argv = {program.executable, launch.address};
  const auto level = module.json.find("log_level");
  if (level != module.json.end() && level->is_string() && !level->get<std::string>().empty()) {
    launch.argv.push_back("--log-level=" + level->get<std::string>());
  } else if (host.debug) {
    launch.argv.emplace_back("--log-level=debug");
  }
  if (launch.tcp()) launch.argv.emplace_back("--tcp-mode");
  Variables own = {{"VIAM_HOME", host.data_dir},
                   {"VIAM_MODULE_DATA", data},
                   {"VIAM_MODULE_NAME", module.name},
                   {"VIAM_MODULE_ROOT", program.root}};
  const auto id = module.json.find("module_id");
  if (module.type == "registry" && id != module.json.end() && id->is_string())
    own.emplace_back("VIAM_MODULE_ID", id->get<std::string>());
  launch.environment = EnvironmentFor(module, host, std::move(own));
  launch.environment.emplace_back("VIAM_MODULE_ADDRESS", launch.address);
  const auto root = module.env.find("VIAM_MODULE_ROOT");
  launch.directory = root == module.env.end() ? program.root : root->second;
  return launch;
}

}  // namespace bowerbird::machine
