// SPDX-License-Identifier: Apache-2.0
//
// Small graphs that use many operators with shape rules and many parts of the format: what fuzzing
// starts from.
#pragma once

#include <vector>

#include "tflite/graph.h"

namespace bowerbird::tflite::testing {

std::vector<Graph> SeedGraphs();

}  // namespace bowerbird::tflite::testing
