// SPDX-License-Identifier: Apache-2.0
#include "tflite/operator_probe.h"

#include <algorithm>
#include <vector>

#include "tflite/schema/model_fb.h"

namespace bowerbird::tflite {
namespace {

constexpr int32_t kOldCodeLimit = 127;  // the old byte field holds this for newer operators

}  // namespace

std::string OperatorProbe(std::span<const OperatorCode> codes) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<schema::OperatorCode>> declared;
  for (const OperatorCode& code : codes) {
    if (code.builtin == kCustomOperator) continue;
    declared.push_back(schema::CreateOperatorCode(
        builder, static_cast<int8_t>(std::min(code.builtin, kOldCodeLimit)), 0, code.version,
        static_cast<schema::BuiltinOperator>(code.builtin)));
  }
  // One tensor that is both input and output: some runtimes refuse a graph without any.
  const std::vector<int32_t> shape = {1};
  const std::vector<int32_t> ends = {0};
  const std::vector<flatbuffers::Offset<schema::Tensor>> tensors = {
      schema::CreateTensorDirect(builder, &shape, schema::TensorType::FLOAT32, 0, "x")};
  const std::vector<flatbuffers::Offset<schema::Operator>> operators;
  const std::vector<flatbuffers::Offset<schema::SubGraph>> subgraphs = {
      schema::CreateSubGraphDirect(builder, &tensors, &ends, &ends, &operators)};
  const std::vector<flatbuffers::Offset<schema::Buffer>> buffers = {schema::CreateBuffer(builder)};
  schema::FinishModelBuffer(
      builder, schema::CreateModelDirect(builder, 3, &declared, &subgraphs, "operators", &buffers));
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

}  // namespace bowerbird::tflite
