// SPDX-License-Identifier: Apache-2.0
//
// FlatTensors, the wire's named tensors, to and from the tensors of a model.
// Which message carries which element type, and how 16-bit elements are packed:
// docs/formats/flat-tensors.md.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/tensor.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

namespace bowerbird::wire {

// Tensors of a received message, as views. All but 16-bit elements are looked at where protobuf put
// them; nothing is copied. The message must outlive this, unchanged.
class ReceivedTensors {
 public:
  // INVALID_ARGUMENT, naming the tensor: no data, a shape that is none, or a number of elements
  // other than the shape's, or a value that does not fit into 16 bits.
  static absl::StatusOr<ReceivedTensors> Read(
      const viam::service::mlmodel::v1::FlatTensors& message);

  const infer::NamedViews& views() const { return views_; }

 private:
  ReceivedTensors() = default;

  infer::NamedViews views_;
  std::vector<std::vector<std::byte>> unpacked_;  // elements of 16-bit tensors
};

// Replaces what `message` holds; one copy of the elements. bool travels as uint8, half floats as
// float. UNIMPLEMENTED names a tensor of a type for which the wire has no message; INTERNAL one
// whose bytes do not match its shape.
absl::Status WriteTensors(const infer::NamedViews& tensors,
                          viam::service::mlmodel::v1::FlatTensors& message);

}  // namespace bowerbird::wire
