// SPDX-License-Identifier: Apache-2.0
//
// A .tflite file as a graph: tensors, operators and buffers as plain values. What is read here has
// passed the FlatBuffers verifier, so every offset of the file was in bounds; whether the graph
// makes sense is the question of checks.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/types.h"

namespace bowerbird::tflite {

// real = (stored - zero_point[c]) * scale[c]; one entry for the tensor, or one for each index c
// along `dimension`.
struct Quantization {
  // How the file states it. Runtimes of 2022 know only kAffine.
  enum class Scheme { kAffine, kCustom, kBlockwise, kMultiAxis };
  Scheme scheme = Scheme::kAffine;
  std::vector<float> scale = {};
  std::vector<int64_t> zero_point = {};
  int32_t dimension = 0;
};

struct Tensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  std::vector<int32_t> shape;
  std::vector<int32_t> shape_signature;  // -1 = not known before a call; empty: all are known
  uint32_t buffer = 0;                   // index into Graph::buffers; an empty one = computed
  bool is_variable = false;              // state that lives from one run to the next
  bool is_sparse = false;                // the buffer leaves out zeros
  bool is_external = false;              // the values lie in another file
  Quantization quantization;
};

struct OperatorCode {
  int32_t builtin = 0;
  std::string custom = {};  // for builtin == kCustomOperator
  int32_t version = 1;

  // "CONV_2D", or the custom operator's own name.
  std::string Name() const;
};

// Parameters of operators that slide a window over a picture.
struct SlidingWindow {
  int32_t padding = 0;         // 0 same, 1 valid
  std::vector<int32_t> steps;  // strides, dilations and extents of the window; each at least 1
};

struct Operator {
  uint32_t code = 0;            // index into Graph::operator_codes
  std::vector<int32_t> inputs;  // -1 = an optional input that is left out
  std::vector<int32_t> outputs;
  std::vector<int32_t> intermediates;
  std::vector<int32_t> subgraphs;  // those that IF, WHILE and CALL_ONCE run
  std::optional<SlidingWindow> window;
  std::span<const std::byte> custom_options;
};

struct Subgraph {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<Operator> operators;  // in the order in which they run
};

struct Buffer {
  std::span<const std::byte> data;
  bool is_external = false;  // the bytes lie behind the FlatBuffer (files over 2 GB)
};

struct MetadataEntry {
  std::string name;
  uint32_t buffer = 0;
};

// Spans point into the file that was read, which must outlive the graph.
struct Graph {
  uint32_t version = 0;
  std::string description;
  std::vector<OperatorCode> operator_codes;
  std::vector<Subgraph> subgraphs;  // the first one is the model, the others are called by it
  std::vector<Buffer> buffers;
  std::vector<MetadataEntry> metadata;

  // The bytes of the metadata entry `name`; empty if there is none.
  std::span<const std::byte> MetadataBuffer(std::string_view name) const;
};

// `file` may be followed by a zip (zip.h). It must be aligned to 16 bytes, as mapped files and
// vectors are. INVALID_ARGUMENT says in which way it is not a TFLite file.
absl::StatusOr<Graph> ReadGraph(std::span<const std::byte> file);

}  // namespace bowerbird::tflite
