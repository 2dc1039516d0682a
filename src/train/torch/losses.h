// SPDX-License-Identifier: Apache-2.0
//
// What training makes small: see LossKind (train/network.h). Private to libbowerbird_torch.so.
#pragma once

#include <span>

#include "absl/status/statusor.h"
#include "train/network.h"
#include "train/torch/tensors.h"

namespace bowerbird::train {

// A scalar. INVALID_ARGUMENT: outputs or targets have other sizes than the kind of loss wants.
absl::StatusOr<at::Tensor> Loss(const NetworkOptions& options, std::span<const at::Tensor> outputs,
                                const Batch& batch);

}  // namespace bowerbird::train
