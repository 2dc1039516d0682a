// SPDX-License-Identifier: Apache-2.0
//
// What a model says about its tensors, as a value and as the wire's Metadata message.
#pragma once

#include "absl/status/statusor.h"
#include "infer/tensor.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

namespace bowerbird::wire {

// The wire has no fields for quantisation, normalisation, colour order and graph names; labels_path
// and box_order travel in `extra` as `labels` (text) and `boxOrder` (list of four numbers).
// Overwrites `message`.
void WriteMetadata(const infer::ModelMetadata& metadata,
                   viam::service::mlmodel::v1::Metadata& message);

// The other way, for models of modules and other machines. INVALID_ARGUMENT names a tensor whose
// data_type is unknown or whose extra is not as above.
absl::StatusOr<infer::ModelMetadata> ReadMetadata(
    const viam::service::mlmodel::v1::Metadata& message);

}  // namespace bowerbird::wire
