// SPDX-License-Identifier: Apache-2.0
//
// bowerbird train submit | list | get | logs | cancel | finish | delete: jobs that a hub runs.
#pragma once

#include "CLI/CLI.hpp"

namespace bowerbird::app {

// Below `train`.
void RegisterTrainJobs(CLI::App& train, int* exit_status);

}  // namespace bowerbird::app
