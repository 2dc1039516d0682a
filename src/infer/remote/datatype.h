// SPDX-License-Identifier: Apache-2.0
//
// Element types of KServe's inference protocol by name, and how its tensors look to callers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "infer/tensor.h"

namespace bowerbird::infer::remote {

// "FP32" for kFloat32; kString is "BYTES", kOther "". FP16 and BOOL keep their own types here; see
// PresentedType.
std::string_view DatatypeName(DType type);

// UNIMPLEMENTED for BYTES, BF16 and whatever has no fixed size; INVALID_ARGUMENT for unknown names.
absl::StatusOr<DType> DTypeFromDatatype(std::string_view name);

// What callers of a Model see: FP16 as float32, BOOL as uint8, like everywhere in this program.
DType PresentedType(DType type);

// The bytes of a tensor. INVALID_ARGUMENT: an extent is negative, or the product overflows.
absl::StatusOr<size_t> TensorBytes(DType type, const Shape& shape);

// `text` from a peer, for a message: printable, at most 200 characters.
std::string Shown(std::string_view text);

}  // namespace bowerbird::infer::remote
