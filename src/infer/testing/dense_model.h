// SPDX-License-Identifier: Apache-2.0
//
// For tests: a model whose time goes into reading weights, so that calls pay together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tflite/testing/model_file.h"

namespace bowerbird::infer::testing {

inline constexpr int32_t kWidth = 1024;
inline constexpr int32_t kTable = 128;
inline constexpr int32_t kEmbeddingLookup = 7;  // of the format

inline std::string Weights(int32_t rows, int32_t columns) {
  std::vector<float> values(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 16) / 65536.0F - 0.5F;
  }
  return tflite::testing::BytesOf(values);
}

inline std::vector<float> Table() {
  std::vector<float> table(kTable);
  for (int32_t i = 0; i < kTable; ++i) table[static_cast<size_t>(i)] = static_cast<float>(2 * i);
  return table;
}

// y = W2 W1 x; entry = table[index], which fails for an index beyond the table.
inline tflite::testing::ModelSpec DenseModel(int32_t hidden = 3072) {
  return {
      .subgraphs = {
          {.tensors =
               {{.name = "x", .shape = {1, kWidth}},
                {.name = "w1", .shape = {hidden, kWidth}, .data = Weights(hidden, kWidth)},
                {.name = "h", .shape = {1, hidden}},
                {.name = "w2", .shape = {kWidth, hidden}, .data = Weights(kWidth, hidden)},
                {.name = "y", .shape = {1, kWidth}},
                {.name = "index", .type = tflite::TensorType::kInt32, .shape = {1}},
                {.name = "table", .shape = {kTable, 1}, .data = tflite::testing::BytesOf(Table())},
                {.name = "entry", .shape = {1, 1}}},
           .operators =
               {{.code = tflite::testing::kFullyConnected, .inputs = {0, 1, -1}, .outputs = {2}},
                {.code = tflite::testing::kFullyConnected, .inputs = {2, 3, -1}, .outputs = {4}},
                {.code = kEmbeddingLookup, .inputs = {5, 6}, .outputs = {7}}},
           .inputs = {0, 5},
           .outputs = {4, 7}}}};
}

}  // namespace bowerbird::infer::testing
