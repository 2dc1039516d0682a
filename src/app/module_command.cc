// SPDX-License-Identifier: Apache-2.0
//
// bowerbird module new NAME: the starter of a module.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_join.h"
#include "app/commands.h"
#include "app/module_starter.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

struct NewOptions {
  StarterOptions starter;
  bool json = false;
};

// The templates that were installed with the program.
std::string InstalledTemplates() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "share" / "bowerbird" / "starter";
}

void New(NewOptions& options, int* exit_status) {
  options.starter.templates = InstalledTemplates();
  options.starter.definitions = options.starter.templates + "/proto";
  const auto folder = WriteStarter(options.starter);
  if (!folder.ok()) {
    Fail(exit_status, "module new: " + MessageOf(folder.status()));
    if (absl::IsInvalidArgument(folder.status())) *exit_status = 2;
    return;
  }
  if (options.json) {
    std::printf("%s\n", nlohmann::json{{"folder", *folder}}.dump().c_str());
    return;
  }
  std::printf("%s\n", folder->c_str());
  std::fprintf(stderr, "Next: cd %s && ./build.sh && ./test.sh    (README.md says how to use it)\n",
               folder->c_str());
}

}  // namespace

CLI::App* RegisterModule(CLI::App& app, int* exit_status) {
  auto options = std::make_shared<NewOptions>();
  CLI::App* module =
      app.add_subcommand("module", "Modules: programs that bring models of their own");
  module->require_subcommand(1);
  CLI::App* command =
      module->add_subcommand("new", "Write the starter of a module: builds, runs, has a test");
  command->footer(
      "Example:\n"
      "  bowerbird module new rain-gauge --language python --api rdk:component:sensor "
      "--model acme:weather:rain");
  StarterOptions& starter = options->starter;
  command->add_option("NAME", starter.name, "Of the module and its folder")->required();
  command->add_option("--language", starter.language, absl::StrJoin(StarterLanguages(), ", "))
      ->required();
  command->add_option("--api", starter.api, absl::StrJoin(StarterApis(), ", "))
      ->capture_default_str();
  command->add_option("--model", starter.model, "namespace:family:name (default: local:NAME:...)");
  command->add_option("--dir", starter.parent,
                      "The folder in which NAME is made (default: this one)");
  command->add_flag("--json", options->json, "One JSON value on stdout");
  command->callback([options, exit_status] { New(*options, exit_status); });
  return module;
}

}  // namespace bowerbird::app
