// SPDX-License-Identifier: Apache-2.0
#include "tflite/fixed_inputs.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bowerbird::tflite {

std::span<const size_t> FixedInputs(std::string_view operator_name) {
  static const std::map<std::string, std::vector<size_t>, std::less<>> kInputs = {
      {"ARG_MAX", {1}},
      {"ARG_MIN", {1}},
      {"BATCH_TO_SPACE_ND", {1, 2}},
      {"BROADCAST_TO", {1}},
      {"CONV_3D_TRANSPOSE", {0}},
      {"CUMSUM", {1}},
      {"EMBEDDING_LOOKUP_SPARSE", {1, 2}},
      {"EXPAND_DIMS", {1}},
      {"FILL", {0}},
      {"MEAN", {1}},
      {"MIRROR_PAD", {1}},
      {"MULTINOMIAL", {1}},
      {"NON_MAX_SUPPRESSION_V4", {2}},
      {"NON_MAX_SUPPRESSION_V5", {2}},
      {"ONE_HOT", {1}},
      {"PAD", {1}},
      {"PADV2", {1}},
      {"RANDOM_STANDARD_NORMAL", {0}},
      {"RANDOM_UNIFORM", {0}},
      {"RANGE", {0, 1, 2}},
      {"REDUCE_ALL", {1}},
      {"REDUCE_ANY", {1}},
      {"REDUCE_MAX", {1}},
      {"REDUCE_MIN", {1}},
      {"REDUCE_PROD", {1}},
      {"RESHAPE", {1}},
      {"RESIZE_BILINEAR", {1}},
      {"RESIZE_NEAREST_NEIGHBOR", {1}},
      {"REVERSE_V2", {1}},
      {"RFFT2D", {1}},
      {"SCATTER_ND", {2}},
      {"SPACE_TO_BATCH_ND", {1, 2}},
      {"SPARSE_TO_DENSE", {1}},
      {"SPLIT", {0}},
      {"SPLIT_V", {1, 2}},
      {"STRIDED_SLICE", {3}},
      {"SUM", {1}},
      {"TILE", {1}},
      {"TOPK_V2", {1}},
      {"TRANSPOSE", {1}},
      {"TRANSPOSE_CONV", {0}},
  };
  const auto found = kInputs.find(operator_name);
  if (found == kInputs.end()) return {};
  return found->second;
}

}  // namespace bowerbird::tflite
