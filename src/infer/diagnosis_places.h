// SPDX-License-Identifier: Apache-2.0
//
// Which operators of a model file run in a delegate.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::infer {

// By subgraph and operator of the file as it is: whether the delegate of that name, as
// RuntimeReport::delegate has it ("none" included), takes it. Builds an interpreter in this
// process, so: only where a file that brings the runtime down does no harm. INVALID_ARGUMENT: the
// model is refused, or there is no such delegate.
absl::StatusOr<std::vector<std::vector<bool>>> DelegatedOperators(const std::string& model_path,
                                                                  const std::string& delegate);

}  // namespace bowerbird::infer
