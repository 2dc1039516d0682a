// SPDX-License-Identifier: Apache-2.0
//
// Finds and loads libbowerbird_torch.so, once, when it is first asked for: it weighs 160 MB and
// takes half a second.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "train/network.h"

namespace bowerbird::train {

// Looks for the library at the path in BOWERBIRD_TORCH_LIBRARY, if that is set, else beside the
// program, in ../lib/bowerbird of it, then where the system looks. Thread-safe. The library is
// never unloaded. UNAVAILABLE: it is not there or does not load; says what was tried and which
// package is missing.
absl::StatusOr<NetworkEngine*> LoadNetworkEngine();

}  // namespace bowerbird::train
