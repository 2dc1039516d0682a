// SPDX-License-Identifier: Apache-2.0
//
// How the commands ask about model files that they do not know: in a child that is this program
// again, with the hidden command `probe-model`; what comes of it is kept in the data directory.
#pragma once

#include <memory>
#include <string>

#include "infer/model_facts.h"
#include "infer/probe.h"

namespace CLI {
class App;
}

namespace bowerbird::app {

// Adds the hidden command.
void RegisterProbeModel(CLI::App& app, int* exit_status);

struct KnownModels {
  std::unique_ptr<infer::ModelFacts> facts;
  std::unique_ptr<infer::ModelProbe> probe;  // after the facts: destroyed first
};

// With the facts of `data_dir`, which need not exist. Where it cannot be written, every start
// probes anew.
KnownModels OpenKnownModels(const std::string& data_dir);

}  // namespace bowerbird::app
