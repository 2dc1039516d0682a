// SPDX-License-Identifier: Apache-2.0
//
// A .tflite file as a graph: tensors, operators and buffers as plain values. What is read here has
// passed the FlatBuffers verifier, so every offset of the file was in bounds; whether the graph
// makes sense is the question of checks.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/table.h"
#include "tflite/types.h"

namespace bowerbird::tflite {

// real = (stored - zero_point[c]) * scale[c]; one entry for the tensor, or one for each index c
// along `dimension`.
struct Quantization {
  // How the file states it. Runtimes of 2022 know only kAffine.
  enum class Scheme { kAffine, kCustom, kBlockwise, kMultiAxis };
  std::vector<float> scale = {};
  std::vector<int64_t> zero_point = {};
  int32_t dimension = 0;
  std::vector<float> min = {};  // left over from training: nothing computes with them
  std::vector<float> max = {};
  Table details = {};  // CustomQuantization, BlockwiseQuantization or MultiAxisQuantization

  Scheme scheme() const;
};

// Tensors, operators and what holds them have a text `unknown`. It names what the file says of them
// that this schema does not know, and is empty in all but files of newer converters. Such a graph
// can be read and inspected; editing and writing refuse it (CheckEditable).
struct Tensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  std::vector<int32_t> shape;
  std::vector<int32_t> shape_signature;  // -1 = not known before a call; empty: all are known
  uint32_t buffer = 0;                   // index into Graph::buffers; an empty one = computed
  bool is_variable = false;              // state that lives from one run to the next
  Quantization quantization;
  Table sparsity;                      // SparsityParameters: how the buffer leaves out zeros
  bool has_rank = false;               // an empty shape is a scalar's, not an unknown one
  std::vector<Table> variant_tensors;  // VariantSubType: what a list of tensors holds
  uint32_t external_buffer = 0;        // an id of Graph::external_buffers
  std::string unknown;

  bool is_sparse() const { return !sparsity.empty(); }
  // The values lie in another file.
  bool is_external() const { return external_buffer != 0; }
};

struct OperatorCode {
  int32_t builtin = 0;
  std::string custom = {};  // for builtin == kCustomOperator
  int32_t version = 1;
  std::string unknown = {};

  // "CONV_2D", or the custom operator's own name.
  std::string Name() const;
};

struct Operator {
  uint32_t code = 0;            // index into Graph::operator_codes
  std::vector<int32_t> inputs;  // -1 = an optional input that is left out
  std::vector<int32_t> outputs;
  std::vector<int32_t> intermediates;
  Table options;    // "Conv2DOptions"; none for a custom operator
  Table options_2;  // of the second union, which StableHLO operators use
  std::span<const std::byte> custom_options;
  int8_t custom_options_format = 0;  // 0 = FlexBuffers, the only one there is
  // The custom options lie behind the FlatBuffer, where runtimes of 2022 do not look.
  bool has_large_custom_options = false;
  std::vector<bool> mutating_variable_inputs;
  int32_t debug_metadata_index = -1;
  std::string unknown;
};

struct Subgraph {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<Operator> operators;  // in the order in which they run
  int32_t debug_metadata_index = -1;
  std::string unknown;
};

struct Buffer {
  std::span<const std::byte> data;
  // The bytes lie behind the FlatBuffer (files over 2 GB), where runtimes of 2022 do not look.
  bool is_external = false;
  std::string unknown = {};
};

struct MetadataEntry {
  std::string name;
  uint32_t buffer = 0;
  std::string unknown = {};
};

struct TensorName {
  std::string name;
  uint32_t tensor = 0;
};

// Names that the inputs and outputs of a subgraph had in the program that was converted.
struct Signature {
  std::string key;
  uint32_t subgraph = 0;
  std::vector<TensorName> inputs;
  std::vector<TensorName> outputs;
  std::string old_tag;
  std::string unknown;
};

// A piece of another file, of the group (usually the file's name) with that index.
struct ExternalBuffer {
  uint32_t id = 0;
  uint32_t group = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string packing;
  std::string unknown;
};

// Spans point into the file that was read, which must outlive the graph and its copies, or into
// bytes that were given to Keep.
struct Graph {
  uint32_t version = 0;
  std::string description;
  std::vector<OperatorCode> operator_codes;
  std::vector<Subgraph> subgraphs;  // the first one is the model, the others are called by it
  std::vector<Buffer> buffers;
  std::vector<MetadataEntry> metadata;
  std::vector<int32_t> metadata_buffers;  // as `metadata`, of the time before it had names
  std::vector<Signature> signatures;
  std::vector<std::string> external_groups;
  std::vector<ExternalBuffer> external_buffers;
  std::string unknown;

  // The bytes of the metadata entry `name`; empty if there is none.
  std::span<const std::byte> MetadataBuffer(std::string_view name) const;

  // Takes bytes over and keeps them alive, for this graph and for its copies: what a Buffer or
  // custom options that were made here point to.
  std::span<const std::byte> Keep(std::vector<std::byte> bytes);
  // Keeps alive what `other` keeps, whose spans this graph is about to take.
  void KeepWith(const Graph& other);

 private:
  // Shared, because copies of a graph point to the same bytes; never changed.
  std::vector<std::shared_ptr<const std::vector<std::byte>>> kept_;
};

// The subgraphs that `op` runs, by their indices as the file has them: IF, WHILE, CALL_ONCE and
// those of StableHLO.
std::vector<int32_t> CalledSubgraphs(const Operator& op);

// Makes the calls of `op` those of a graph whose subgraph i has become place[i]. INVALID_ARGUMENT:
// a call is out of range.
absl::Status RenumberCalls(Operator& op, std::span<const int32_t> place);

// OK unless something in `graph` is `unknown`: FAILED_PRECONDITION names it.
absl::Status CheckEditable(const Graph& graph);

// `file` may be followed by a zip (zip.h). It must be aligned to 16 bytes, as mapped files and
// vectors are. INVALID_ARGUMENT says in which way it is not a TFLite file, or that it has 2 GB or
// more, which FlatBuffers cannot hold.
absl::StatusOr<Graph> ReadGraph(std::span<const std::byte> file);

}  // namespace bowerbird::tflite
