// SPDX-License-Identifier: Apache-2.0
//
// The models that training starts from, kept in the data directory as bases/NAME.tflite. The one
// called "default" is taken where nobody names any.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"

namespace bowerbird::app {

// Of bowerbird-train, which lies beside this program.
std::string TrainerPath();

// `wanted`: the path of a file, the name of a kept model, or "" for the default. NOT_FOUND or
// FAILED_PRECONDITION say what there is.
absl::StatusOr<std::string> FindBase(const std::string& wanted);

// As FindBase, of a server with that data directory, by name only: files of a server are not for
// its callers to name.
absl::StatusOr<std::string> FindKeptBase(const std::string& data_dir, const std::string& name);

// `bowerbird train base add|list|remove`, below `train`.
void RegisterTrainBase(CLI::App& train, int* exit_status);

}  // namespace bowerbird::app
