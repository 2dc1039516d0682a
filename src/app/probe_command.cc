// SPDX-License-Identifier: Apache-2.0
#include "app/probe_command.h"

#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/version.h"
#include "infer/probe_child.h"

namespace bowerbird::app {
namespace {

constexpr char kCommand[] = "probe-model";

// This program, also after its file was replaced by a newer one. (The child is started by another
// program, for which /proc/self is itself.)
std::string ThisProgram() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && std::filesystem::exists(path, error)) return path.string();
  return "/proc/" + std::to_string(getpid()) + "/exe";
}

}  // namespace

void RegisterProbeModel(CLI::App& app, int* exit_status) {
  CLI::App* command = app.add_subcommand(kCommand, "Load one model for another process");
  command->group("");  // not in the help
  command->allow_extras();
  command->callback([command, exit_status] {
    *exit_status = infer::RunProbeChild(infer::FromArguments(command->remaining()));
  });
}

KnownModels OpenKnownModels(const std::string& data_dir) {
  KnownModels known;
  known.facts = std::make_unique<infer::ModelFacts>(data_dir + "/model-facts");
  infer::ProcessProbeOptions options;
  options.command = {ThisProgram(), kCommand};
  options.program_version = kVersion;
  known.probe = infer::MakeProcessProbe(std::move(options), *known.facts);
  return known;
}

}  // namespace bowerbird::app
