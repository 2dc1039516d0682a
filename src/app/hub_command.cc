// SPDX-License-Identifier: Apache-2.0
#include "app/hub_command.h"

#include <cstdio>
#include <vector>

#include "CLI/CLI.hpp"
#include "annotation/format.h"
#include "app/commands.h"
#include "app/progress.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

using annotation::Problem;
using Json = nlohmann::json;

constexpr auto kReplace = Json::error_handler_t::replace;

std::string FormatNames() {
  std::string names;
  for (const annotation::Format& format : annotation::Formats())
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

Json ProblemsJson(const std::vector<Problem>& problems) {
  Json list = Json::array();
  for (const Problem& problem : problems) {
    list.push_back({{"kind", annotation::NameOf(problem.kind)},
                    {"file", problem.file},
                    {"place", problem.place},
                    {"what", problem.what}});
  }
  return list;
}

void Tell(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    std::fprintf(stderr, "bowerbird: %s: %s\n", annotation::NameOf(problem.kind).c_str(),
                 annotation::TextOf(problem).c_str());
  }
}

absl::Status SkippedStatus(uint64_t skipped) {
  if (skipped == 0) return absl::OkStatus();
  return FailedPrecondition(std::to_string(skipped) + " files were skipped: see above");
}

}  // namespace

CLI::App* AddHubCommand(CLI::App& parent, const HubCommands& commands, const std::string& name,
                        const std::string& help,
                        std::function<absl::Status(const HubClient&)> run) {
  CLI::App* command = parent.add_subcommand(name, help);
  AddHubFlags(*command, *commands.hub);
  command->add_flag("--json", *commands.json, "JSON on stdout");
  command->callback([commands, name, run = std::move(run)] {
    CatchInterrupts();
    const auto hub = HubClient::Connect(*commands.hub);
    const absl::Status status = hub.ok() ? run(**hub) : hub.status();
    if (status.ok()) return;
    Fail(commands.exit_status, commands.family + " " + name + ": " + MessageOf(status));
    if (!hub.ok() && absl::IsInvalidArgument(status)) *commands.exit_status = 2;
  });
  return command;
}

void AddImportFlags(CLI::App& command, ImportOptions& options) {
  command.add_option("DIR", options.directory, "The dataset's folder, or a file of annotations")
      ->required();
  command.add_option("--format", options.format, "auto, " + FormatNames())->capture_default_str();
  command.add_option("--pictures", options.pictures, "Folder of the pictures, if it is another");
  command.add_option("--part-id", options.part_id,
                     "Whose they are; default: the main part of the first machine");
  command.add_option("--tags", options.tags, "For every item")->delimiter(',');
  command.add_flag("--keep-labels", options.keep_labels,
                   "Leave what is said about items that are there already");
  command.add_flag("--follow", options.follow, "Go on with what comes into DIR, until Ctrl-C");
  command.add_option("--parallel", options.parallel, "Uploads at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

void AddExportFlags(CLI::App& command, ExportOptions& options) {
  command.add_option("--destination", options.directory, "Made if it is missing")->required();
  command.add_option("--format", options.format, FormatNames())->capture_default_str();
  command.add_flag("--annotations-only", options.annotations_only,
                   "Without the pictures: files name them as if they were there");
  command.add_option("--parallel", options.parallel, "Pictures fetched at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

absl::Status RunImport(const HubClient& hub, const ImportOptions& options, bool json) {
  ASSIGN_OR_RETURN(const ImportReport report, Import(hub, options));
  if (json) {
    std::printf("%s\n", Json({{"format", report.format},
                              {"sent", report.sent},
                              {"new", report.added},
                              {"changed", report.changed},
                              {"unchanged", report.unchanged},
                              {"bytes", report.bytes},
                              {"skipped", report.skipped},
                              {"problem_count", report.problem_count},
                              {"problems", ProblemsJson(report.problems)}})
                            .dump(-1, ' ', false, kReplace)
                            .c_str());
  } else {
    Tell(report.problems);
    const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "%llu items are there (%s, %.1f MB): %llu new, %llu changed, %llu unchanged; %llu "
        "skipped\n",
        number(report.sent), report.format.c_str(), static_cast<double>(report.bytes) / 1e6,
        number(report.added), number(report.changed), number(report.unchanged),
        number(report.skipped));
  }
  return SkippedStatus(report.skipped);
}

absl::Status RunExport(const HubClient& hub, const ItemFilterFlags& items, ExportOptions options,
                       bool json) {
  ASSIGN_OR_RETURN(options.filter, MakeFilter(items));
  ASSIGN_OR_RETURN(const ExportReport report, Export(hub, options));
  if (json) {
    std::printf("%s\n", Json({{"format", options.format},
                              {"items", report.items},
                              {"fetched", report.fetched},
                              {"kept", report.kept},
                              {"bytes", report.bytes},
                              {"skipped", report.skipped},
                              {"problem_count", report.problem_count},
                              {"problems", ProblemsJson(report.problems)}})
                            .dump(-1, ' ', false, kReplace)
                            .c_str());
  } else {
    Tell(report.problems);
    const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("%llu items; %llu fetched (%.1f MB), %llu were there, %llu skipped\n",
                number(report.items), number(report.fetched),
                static_cast<double>(report.bytes) / 1e6, number(report.kept),
                number(report.skipped));
  }
  return SkippedStatus(report.skipped);
}

}  // namespace bowerbird::app
