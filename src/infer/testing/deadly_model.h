// SPDX-License-Identifier: Apache-2.0
//
// For tests: a model file that is harmless until it is run with other shapes than its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "infer/testing/dense_model.h"
#include "tflite/graph.h"
#include "tflite/testing/model_file.h"
#include "tflite/write.h"

namespace bowerbird::infer::testing {

inline std::string Three(int32_t value) {
  return tflite::testing::BytesOf(std::vector<int32_t>{value, value, value});
}

// A file that runs, and that the runtime dies of with 8 rows in both inputs. One row: y = dense(x),
// z = one element. Of b rows z has (2 b^5 - 1)^3 elements, for 8 more than any address space has,
// and the runtime writes to what it did not get.
inline std::string DeadlyInRows() {
  tflite::testing::ModelSpec spec = DenseModel(512);
  auto& graph = spec.subgraphs[0];
  const auto whole = tflite::TensorType::kInt32;
  const auto first = static_cast<int32_t>(graph.tensors.size());
  graph.tensors.push_back({.name = "rows", .type = whole, .shape = {1}});
  for (const char* name : {"rows2", "rows4", "rows5"}) {
    graph.tensors.push_back({.name = name, .type = whole, .shape = {1}});
  }
  graph.tensors.push_back({.name = "twos", .type = whole, .shape = {3}, .data = Three(2)});
  graph.tensors.push_back({.name = "double", .type = whole, .shape = {3}});
  graph.tensors.push_back({.name = "ones", .type = whole, .shape = {3}, .data = Three(1)});
  graph.tensors.push_back({.name = "size", .type = whole, .shape = {3}});
  graph.tensors.push_back(
      {.name = "seven", .shape = {}, .data = tflite::testing::BytesOf(std::vector<float>{7})});
  graph.tensors.push_back({.name = "z", .shape = {1, 1, 1}});
  const auto append = [&](int32_t code, std::vector<int32_t> inputs, int32_t output) {
    for (int32_t& input : inputs) input += first;
    graph.operators.push_back({.code = code, .inputs = inputs, .outputs = {first + output}});
  };
  using tflite::testing::kMul;
  constexpr int32_t kFill = 94;
  constexpr int32_t kIndex = 5;  // an input of the dense model: one element a row
  append(tflite::testing::kShape, {kIndex - first}, 0);
  append(kMul, {0, 0}, 1);
  append(kMul, {1, 1}, 2);
  append(kMul, {2, 0}, 3);
  append(kMul, {3, 4}, 5);
  append(tflite::testing::kSub, {5, 6}, 7);
  append(kFill, {7, 8}, 9);
  graph.outputs.push_back(first + 9);
  const std::string plain = tflite::testing::ModelFile(spec);
  tflite::Graph read = *tflite::ReadGraph(std::as_bytes(std::span(plain)));
  for (tflite::Operator& op : read.subgraphs[0].operators) {
    if (read.operator_codes[op.code].builtin != tflite::testing::kShape) continue;
    op.options = tflite::Table::Of("ShapeOptions", {{"out_type", static_cast<int>(whole)}});
  }
  return *tflite::WriteModel(read);
}

}  // namespace bowerbird::infer::testing
