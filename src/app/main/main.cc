// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include <csignal>
#include <cstdlib>

#include "CLI/CLI.hpp"
#include "absl/synchronization/mutex.h"
#include "app/commands.h"
#include "app/probe_command.h"
#include "app/version.h"

namespace {

// Replies of a megabyte would otherwise be mapped and unmapped for each call: glibc returns blocks
// above 128 KiB to the kernel, and the page faults cost more than the call itself. Larger blocks,
// such as the pixels of a 4K frame, still go back at once, and four arenas keep what the threads of
// a server hold on to small.
void TuneAllocator() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  mallopt(M_ARENA_MAX, 4);
}

// Debian's Abseil comes with its debugging on: gRPC's every lock would be entered in a graph that
// is searched for cycles.
void TuneLocks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace

int main(int argc, char** argv) {
  TuneAllocator();
  TuneLocks();
  std::signal(SIGPIPE, SIG_IGN);
  // The wire's own log lines (one a dropped connection) are of no use to the operator.
  setenv("GRPC_VERBOSITY", "NONE", 0);

  CLI::App app{"Bowerbird: machine learning for a machine, on that machine.", "bowerbird"};
  app.require_subcommand(1);
  app.set_version_flag("--version", bowerbird::app::kVersion);
  app.set_help_all_flag("--help-all", "Help of every command");
  int exit_status = 0;
  bowerbird::app::RegisterServe(app, &exit_status);
  bowerbird::app::RegisterData(app, &exit_status);
  bowerbird::app::RegisterDataset(app, &exit_status);
  bowerbird::app::RegisterKey(app, &exit_status);
  bowerbird::app::RegisterDetect(app, &exit_status);
  bowerbird::app::RegisterClassify(app, &exit_status);
  bowerbird::app::RegisterInspect(app, &exit_status);
  bowerbird::app::RegisterEvaluate(app, &exit_status);
  bowerbird::app::RegisterBench(app, &exit_status);
  bowerbird::app::RegisterTrain(app, &exit_status);
  bowerbird::app::RegisterModel(app, &exit_status);
  bowerbird::app::RegisterModule(app, &exit_status);
  bowerbird::app::RegisterProbeModel(app, &exit_status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version come here too, with exit code 0.
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_status;
}
