// SPDX-License-Identifier: Apache-2.0
//
// One input or output of a remote model: as the server describes it, and as callers see it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "infer/remote/message.h"
#include "infer/tensor.h"

namespace bowerbird::infer::remote {

struct Port {
  std::string name;
  DType wire_type = DType::kFloat32;  // FP16 and BOOL are themselves
  Shape shape;                        // -1 = any extent

  // INVALID_ARGUMENT, UNIMPLEMENTED: no name, an extent below -1, a type that cannot be passed on.
  static absl::StatusOr<Port> From(const TensorDescription& description);

  DType type() const;  // to callers
  TensorInfo Info() const;
  // Whether `concrete` is one of the shapes that `shape` stands for.
  bool Allows(const Shape& concrete) const;
};

// FP16 bytes as float32 ones, and back; other types stay as they are.
std::string PresentedBytes(DType wire_type, std::string bytes);
void WriteWireBytes(DType wire_type, std::span<const std::byte> presented, std::string& bytes);

}  // namespace bowerbird::infer::remote
