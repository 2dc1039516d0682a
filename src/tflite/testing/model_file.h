// SPDX-License-Identifier: Apache-2.0
//
// Small .tflite files for tests, so that they run without any model from outside. Nothing is
// checked: a test may well want a broken file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tflite/metadata.h"
#include "tflite/types.h"

namespace bowerbird::tflite::testing {

// Codes of the format (schema/operators.fbs) for the operators that tests use.
enum BuiltinCode : int32_t {
  kAdd = 0,
  kConcatenation = 2,
  kFullyConnected = 9,
  kMul = 18,
  kReshape = 22,
  kSoftmax = 25,
  kCustom = 32,
  kCast = 53,
  kNeg = 59,
  kShape = 77,
  kSub = 41,
  kDiv = 42,
  kAbs = 101,
  kWhile = 119,
  kSign = 158,
};

struct TensorSpec {
  std::string name;
  TensorType type = TensorType::kFloat32;
  std::vector<int32_t> shape;
  std::vector<int32_t> shape_signature = {};
  std::string data = {};  // not empty: a constant
  std::vector<float> scale = {};
  std::vector<int64_t> zero_point = {};
  int32_t quantized_dimension = 0;
  bool is_variable = false;
};

struct OperatorSpec {
  int32_t code = kAdd;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  int32_t version = 1;
  std::string custom_code = {};
  std::string custom_options = {};
  std::vector<int32_t> subgraphs = {};  // kWhile: condition, body
};

struct SubgraphSpec {
  std::vector<TensorSpec> tensors;
  std::vector<OperatorSpec> operators;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
};

struct PackedFile {
  std::string name;
  std::string contents;
  bool deflate = true;
};

struct ModelSpec {
  std::vector<SubgraphSpec> subgraphs;
  std::optional<FileMetadata> metadata = {};
  std::vector<PackedFile> files = {};
  uint32_t version = 3;
};

// The bytes of the file.
std::string ModelFile(const ModelSpec& spec);

// A zip archive whose offsets count from `base`, as if it stood behind that many bytes.
std::string ZipArchive(const std::vector<PackedFile>& files, size_t base = 0);

// A TFLITE_METADATA buffer.
std::string MetadataBuffer(const FileMetadata& metadata);

// The elements of `values` as the bytes of a constant.
template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// y = a + b on float vectors of `size` elements.
ModelSpec AddModel(int32_t size = 4);

}  // namespace bowerbird::tflite::testing
