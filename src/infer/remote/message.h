// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of KServe's inference protocol say to each other, as plain values, whichever
// way it travels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infer/tensor.h"

namespace bowerbird::infer::remote {

// Bounds on what a peer may say. Models of the field have a handful of tensors of rank 5 at most.
inline constexpr size_t kMaxTensors = 256;
inline constexpr size_t kMaxRank = 16;
// The JSON part of a body; binary tensors come after it and are bounded by the body.
inline constexpr size_t kMaxJson = size_t{16} << 20;

inline constexpr char kHeaderLength[] = "inference-header-content-length";
inline constexpr char kBinaryExtension[] = "binary_tensor_data";

struct MessageTensor {
  std::string name;
  DType type = DType::kFloat32;  // as on the wire: FP16 and BOOL are themselves
  Shape shape;
  std::string bytes;    // little-endian, as many as type and shape need
  bool binary = false;  // how it came, or goes, in HTTP
};

struct RequestedOutput {
  std::string name;
  std::optional<bool> binary;  // none: as InferMessage::binary_output says
  int64_t classes = 0;         // of the classification extension; 0 = not asked for
};

// A request to infer, or the answer.
struct InferMessage {
  std::string model_name, model_version, id;
  std::vector<MessageTensor> tensors;      // a request's inputs, an answer's outputs
  std::vector<RequestedOutput> requested;  // of a request; none: all outputs, in the default form
  bool binary_output = false;
};

// What a server says of a model.
struct TensorDescription {
  std::string name;
  std::string datatype;
  Shape shape;  // -1 = any
};

struct ModelDescription {
  std::string name;
  std::vector<std::string> versions;
  std::string platform;
  std::vector<TensorDescription> inputs, outputs;
};

}  // namespace bowerbird::infer::remote
