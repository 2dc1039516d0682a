// SPDX-License-Identifier: Apache-2.0
//
// A way to ask a runtime which operators it has, without running the model that needs them.
#pragma once

#include <span>
#include <string>

#include "tflite/graph.h"

namespace bowerbird::tflite {

// A model of no work at all that declares the built-in ones of `codes`. A runtime looks all of
// them up before anything else, so it refuses this file exactly when it lacks one. (Custom
// operators are looked up only when they are used.)
std::string OperatorProbe(std::span<const OperatorCode> codes);

}  // namespace bowerbird::tflite
