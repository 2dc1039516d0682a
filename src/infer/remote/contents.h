// SPDX-License-Identifier: Apache-2.0
//
// Tensors of the gRPC protocol whose elements come typed instead of raw, to and from bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/remote/message.h"

namespace inference {
class InferTensorContents;
class ModelInferResponse;
}  // namespace inference

namespace bowerbird::infer::remote {

// INVALID_ARGUMENT: another number of elements than `count`, in another field than the type's, or
// one that the type cannot hold. FP16 has no typed form.
absl::StatusOr<std::string> PackContents(const inference::InferTensorContents& contents, DType type,
                                         int64_t count);

// Bytes as typed elements. False for types without a typed form.
bool UnpackContents(DType type, std::string_view bytes, inference::InferTensorContents& contents);

// The outputs of an answer, raw or typed; raw bytes are moved out of it.
absl::StatusOr<std::vector<MessageTensor>> TakeOutputs(inference::ModelInferResponse& answer);

}  // namespace bowerbird::infer::remote
