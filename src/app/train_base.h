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

// What --base of the trainer says where there is none: a network learns from random weights.
inline constexpr char kNoBase[] = "none";

// `wanted`: the path of a file, the name of a kept model, or "" for the default. kNoBase where that
// is wanted, or nothing is and no default is kept. NOT_FOUND says what there is.
absl::StatusOr<std::string> FindBase(const std::string& wanted);

// As FindBase, of a server with that data directory, by name only: files of a server are not for
// its callers to name. FAILED_PRECONDITION: nothing is wanted and no default is kept; a job that
// would be much worse without one has to say so.
absl::StatusOr<std::string> FindKeptBase(const std::string& data_dir, const std::string& name);

// `bowerbird train base add|list|remove`, below `train`.
void RegisterTrainBase(CLI::App& train, int* exit_status);

}  // namespace bowerbird::app
