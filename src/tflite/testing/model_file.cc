// SPDX-License-Identifier: Apache-2.0
#include "tflite/testing/model_file.h"

#include <algorithm>
#include <utility>

#include "tflite/schema/model_fb.h"

namespace bowerbird::tflite::testing {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

// One file under construction.
class Writer {
 public:
  std::string Write(const ModelSpec& spec) {
    AddBuffer({});  // buffer 0 is empty by definition
    std::vector<Offset<schema::SubGraph>> subgraphs;
    for (const SubgraphSpec& subgraph : spec.subgraphs) {
      subgraphs.push_back(WriteSubgraph(subgraph));
    }
    std::vector<Offset<schema::Metadata>> metadata;
    if (spec.metadata) {
      const uint32_t buffer = AddBuffer(MetadataBuffer(*spec.metadata));
      metadata.push_back(schema::CreateMetadataDirect(builder_, kMetadataName, buffer));
    }
    const auto model = schema::CreateModelDirect(builder_, spec.version, &codes_, &subgraphs,
                                                 "for a test", &buffers_, nullptr, &metadata);
    schema::FinishModelBuffer(builder_, model);
    return std::string(reinterpret_cast<const char*>(builder_.GetBufferPointer()),
                       builder_.GetSize());
  }

 private:
  uint32_t AddBuffer(const std::string& data) {
    Offset<flatbuffers::Vector<uint8_t>> bytes = 0;
    if (!data.empty()) {
      builder_.ForceVectorAlignment(data.size(), 1, 16);
      bytes = builder_.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
    }
    buffers_.push_back(schema::CreateBuffer(builder_, bytes));
    return static_cast<uint32_t>(buffers_.size() - 1);
  }

  uint32_t CodeOf(const OperatorSpec& op) {
    const auto key = std::pair(op.code, op.version);
    if (op.code != kCustom) {
      const auto known = std::find(keys_.begin(), keys_.end(), key);
      if (known != keys_.end()) return static_cast<uint32_t>(known - keys_.begin());
    }
    const auto old_code = static_cast<int8_t>(std::min<int32_t>(op.code, 127));
    codes_.push_back(schema::CreateOperatorCodeDirect(
        builder_, old_code, op.code == kCustom ? op.custom_code.c_str() : nullptr, op.version,
        static_cast<schema::BuiltinOperator>(op.code)));
    keys_.push_back(key);
    return static_cast<uint32_t>(codes_.size() - 1);
  }

  // The parameters that a kernel cannot do without; all others have defaults.
  std::pair<schema::BuiltinOptions, Offset<void>> Parameters(const OperatorSpec& op) {
    using schema::BuiltinOptions;
    switch (op.code) {
      case kAdd:
        return {BuiltinOptions::AddOptions, schema::CreateAddOptions(builder_).Union()};
      case kFullyConnected:
        return {BuiltinOptions::FullyConnectedOptions,
                schema::CreateFullyConnectedOptions(builder_).Union()};
      case kConcatenation:
        return {BuiltinOptions::ConcatenationOptions,
                schema::CreateConcatenationOptions(builder_).Union()};
      case kSoftmax:
        return {BuiltinOptions::SoftmaxOptions,
                schema::CreateSoftmaxOptions(builder_, 1.0F).Union()};
      case kWhile:
        return {
            BuiltinOptions::WhileOptions,
            schema::CreateWhileOptions(builder_, op.subgraphs.at(0), op.subgraphs.at(1)).Union()};
      default:
        return {BuiltinOptions::NONE, 0};
    }
  }

  Offset<schema::Operator> WriteOperator(const OperatorSpec& op) {
    const uint32_t code = CodeOf(op);
    const auto [type, options] = Parameters(op);
    const auto inputs = builder_.CreateVector(op.inputs);
    const auto outputs = builder_.CreateVector(op.outputs);
    const auto custom = builder_.CreateVector(
        reinterpret_cast<const uint8_t*>(op.custom_options.data()), op.custom_options.size());
    return schema::CreateOperator(builder_, code, inputs, outputs, type, options, custom);
  }

  Offset<schema::Tensor> WriteTensor(const TensorSpec& tensor) {
    const uint32_t buffer = tensor.data.empty() ? 0 : AddBuffer(tensor.data);
    Offset<schema::QuantizationParameters> quantization = 0;
    if (!tensor.scale.empty() || !tensor.zero_point.empty()) {
      quantization = schema::CreateQuantizationParametersDirect(
          builder_, nullptr, nullptr, &tensor.scale, &tensor.zero_point,
          schema::QuantizationDetails::NONE, 0, tensor.quantized_dimension);
    }
    return schema::CreateTensorDirect(
        builder_, &tensor.shape, static_cast<schema::TensorType>(tensor.type), buffer,
        tensor.name.c_str(), quantization, tensor.is_variable, 0,
        tensor.shape_signature.empty() ? nullptr : &tensor.shape_signature);
  }

  Offset<schema::SubGraph> WriteSubgraph(const SubgraphSpec& subgraph) {
    std::vector<Offset<schema::Tensor>> tensors;
    std::vector<Offset<schema::Operator>> operators;
    for (const TensorSpec& tensor : subgraph.tensors) tensors.push_back(WriteTensor(tensor));
    for (const OperatorSpec& op : subgraph.operators) operators.push_back(WriteOperator(op));
    return schema::CreateSubGraphDirect(builder_, &tensors, &subgraph.inputs, &subgraph.outputs,
                                        &operators, "main");
  }

  FlatBufferBuilder builder_;
  std::vector<Offset<schema::Buffer>> buffers_;
  std::vector<Offset<schema::OperatorCode>> codes_;
  std::vector<std::pair<int32_t, int32_t>> keys_;
};

}  // namespace

std::string ModelFile(const ModelSpec& spec) {
  std::string file = Writer().Write(spec);
  if (!spec.files.empty()) file += ZipArchive(spec.files, file.size());
  return file;
}

ModelSpec AddModel(int32_t size) {
  return {.subgraphs = {{.tensors = {{.name = "a", .shape = {1, size}},
                                     {.name = "b", .shape = {1, size}},
                                     {.name = "y", .shape = {1, size}}},
                         .operators = {{.code = kAdd, .inputs = {0, 1}, .outputs = {2}}},
                         .inputs = {0, 1},
                         .outputs = {2}}}};
}

}  // namespace bowerbird::tflite::testing
