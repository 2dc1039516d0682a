// SPDX-License-Identifier: Apache-2.0
//
// Labels that are packed into a model, as a file: vision services in other processes read labels
// from a path that the model's metadata names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::machine {

// Writes <data_dir>/labels/<sha-256 of the content>.txt unless it is there, atomically, and gives
// its absolute path. "" if a file cannot say what the labels say: none at all, one that is blank or
// has a line break, or a single one that readers would split.
absl::StatusOr<std::string> WriteLabelFile(const std::string& data_dir,
                                           const std::vector<std::string>& labels);

}  // namespace bowerbird::machine
