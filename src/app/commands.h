// SPDX-License-Identifier: Apache-2.0
//
// The commands of the program. Each function adds one subcommand; its callback runs the command and
// stores the exit status: 0 done, 1 failed, 2 bad usage.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace bowerbird::app {

CLI::App* RegisterServe(CLI::App& app, int* exit_status);
CLI::App* RegisterData(CLI::App& app, int* exit_status);
CLI::App* RegisterDataset(CLI::App& app, int* exit_status);
CLI::App* RegisterKey(CLI::App& app, int* exit_status);
CLI::App* RegisterDetect(CLI::App& app, int* exit_status);
CLI::App* RegisterClassify(CLI::App& app, int* exit_status);
CLI::App* RegisterInspect(CLI::App& app, int* exit_status);
CLI::App* RegisterEvaluate(CLI::App& app, int* exit_status);
CLI::App* RegisterBench(CLI::App& app, int* exit_status);
CLI::App* RegisterTrain(CLI::App& app, int* exit_status);
CLI::App* RegisterModel(CLI::App& app, int* exit_status);
CLI::App* RegisterModule(CLI::App& app, int* exit_status);

// Prints "bowerbird: `message`" to stderr and stores 1.
void Fail(int* exit_status, std::string_view message);

// $BOWERBIRD_HOME, else ~/.bowerbird.
std::string DefaultDataDir();

}  // namespace bowerbird::app
