// SPDX-License-Identifier: Apache-2.0
//
// `classify` with a model that takes a waveform: labels over time.
#pragma once

#include "app/finder_flags.h"
#include "infer/model.h"

namespace bowerbird::app {

// One line of JSON a window of each file. The exit status: 0, or 1 when anything failed; a file
// that fails is told on stderr and the rest goes on.
int ClassifySound(const FinderFlags& flags, const infer::Model& model);

}  // namespace bowerbird::app
