// SPDX-License-Identifier: Apache-2.0
//
// What the commands of the families `data` and `dataset` share: how they are registered, and the
// two that both have.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "app/data_export.h"
#include "app/data_import.h"
#include "app/hub_client.h"
#include "app/item_filter.h"

namespace CLI {
class App;
}

namespace bowerbird::app {

// All of them outlive the parsing of the command line.
struct HubCommands {
  std::string family;
  HubFlags* hub;
  bool* json;
  int* exit_status;
};

// A subcommand with the options of every command that talks to a server; `run` gets a connection.
// INVALID_ARGUMENT of the command line itself ends with 2, every other error with 1.
CLI::App* AddHubCommand(CLI::App& parent, const HubCommands& commands, const std::string& name,
                        const std::string& help, std::function<absl::Status(const HubClient&)> run);

void AddImportFlags(CLI::App& command, ImportOptions& options);
void AddExportFlags(CLI::App& command, ExportOptions& options);

// With the report: every file skipped, and why, on stderr; the counts on stdout.
// FAILED_PRECONDITION if anything was skipped.
absl::Status RunImport(const HubClient& hub, const ImportOptions& options, bool json);
absl::Status RunExport(const HubClient& hub, const ItemFilterFlags& items, ExportOptions options,
                       bool json);

}  // namespace bowerbird::app
