// SPDX-License-Identifier: Apache-2.0
//
// Operators over pictures [batch, height, width, channels]: windows that slide, other sizes, other
// groupings of pixels.
#include <optional>

#include "base/status.h"
#include "tflite/shape_rules.h"

namespace bowerbird::tflite {
namespace {

constexpr int64_t kSame = 0;

// Positions of a window of `size` taps, `dilation` apart, that moves by `stride` over `extent`.
std::optional<int64_t> Positions(const Table& options, int64_t extent, int64_t size, int64_t stride,
                                 int64_t dilation) {
  if (stride < 1 || dilation < 1 || size < 1) return std::nullopt;
  if (options.Int("padding") == kSame) return (extent + stride - 1) / stride;
  const int64_t covered = (size - 1) * dilation + 1;
  return extent < covered ? 0 : (extent - covered) / stride + 1;
}

struct Window {
  int64_t height = 1;
  int64_t width = 1;
};

absl::Status Slide(OperatorShapes& op, Window window, int64_t channels) {
  const Shape& in = op.In(0);
  const Table& options = op.options();
  const auto height = Positions(options, in[1], window.height, options.Int("stride_h"),
                                options.Int("dilation_h_factor", 1));
  const auto width = Positions(options, in[2], window.width, options.Int("stride_w"),
                               options.Int("dilation_w_factor", 1));
  if (!height || !width) return op.Wrong("its window cannot slide");
  if (*height == 0 || *width == 0) return op.Wrong("its window is larger than the input");
  return op.Out(0, {in[0], *height, *width, channels});
}

absl::Status Conv2D(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 4));
  RETURN_IF_ERROR(op.NeedRank(1, 4));
  const Shape& filter = op.In(1);  // [out, height, width, in / groups]
  if (filter[3] == 0 || op.In(0)[3] % filter[3] != 0) {
    return op.Wrong("the filter is for another number of channels");
  }
  return Slide(op, {filter[1], filter[2]}, filter[0]);
}

absl::Status DepthwiseConv2D(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 4));
  RETURN_IF_ERROR(op.NeedRank(1, 4));
  const Shape& filter = op.In(1);  // [1, height, width, out]
  if (op.In(0)[3] == 0 || filter[3] % op.In(0)[3] != 0) {
    return op.Wrong("the filter is for another number of channels");
  }
  return Slide(op, {filter[1], filter[2]}, filter[3]);
}

absl::Status Pool2D(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 4));
  return Slide(op, {op.options().Int("filter_height"), op.options().Int("filter_width")},
               op.In(0)[3]);
}

absl::Status Conv3D(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 5));
  RETURN_IF_ERROR(op.NeedRank(1, 5));
  const Shape& in = op.In(0);
  const Shape& filter = op.In(1);  // [depth, height, width, in, out]
  const Table& options = op.options();
  const auto depth = Positions(options, in[1], filter[0], options.Int("stride_d"),
                               options.Int("dilation_d_factor", 1));
  const auto height = Positions(options, in[2], filter[1], options.Int("stride_h"),
                                options.Int("dilation_h_factor", 1));
  const auto width = Positions(options, in[3], filter[2], options.Int("stride_w"),
                               options.Int("dilation_w_factor", 1));
  if (!depth || !height || !width) return op.Wrong("its window cannot slide");
  return op.Out(0, {in[0], *depth, *height, *width, filter[4]});
}

// The output's shape is the first input: what a transposed convolution came from is not unique.
absl::Status ShapeFromFirstInput(OperatorShapes& op) {
  const std::vector<int64_t>* shape = op.Values(0);
  return shape == nullptr ? op.DependsOnValues() : op.Out(0, *shape);
}

absl::Status Resize(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 4));
  const std::vector<int64_t>* size = op.Values(1);
  if (size == nullptr) return op.DependsOnValues();
  if (size->size() != 2) return op.Wrong("the size is not two numbers");
  return op.Out(0, {op.In(0)[0], (*size)[0], (*size)[1], op.In(0)[3]});
}

absl::Status SpaceToDepth(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 4));
  const int64_t block = op.options().Int("block_size");
  const Shape& in = op.In(0);
  if (block < 1 || block > INT16_MAX || in[1] % block != 0 || in[2] % block != 0) {
    return op.Wrong("blocks of " + std::to_string(block) + " do not fit");
  }
  return op.Out(0, {in[0], in[1] / block, in[2] / block, in[3] * block * block});
}

absl::Status DepthToSpace(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 4));
  const int64_t block = op.options().Int("block_size");
  const Shape& in = op.In(0);
  if (block < 1 || block > INT16_MAX || in[3] % (block * block) != 0) {
    return op.Wrong("blocks of " + std::to_string(block) + " do not fit");
  }
  return op.Out(0, {in[0], in[1] * block, in[2] * block, in[3] / (block * block)});
}

// Both directions share their arguments: the extents of a block, and a pair of numbers (padding or
// crops) for each of them.
struct Blocks {
  const std::vector<int64_t>* extents = nullptr;
  const std::vector<int64_t>* pairs = nullptr;
  int64_t count = 1;
};

absl::Status ReadBlocks(OperatorShapes& op, Blocks& blocks) {
  blocks.extents = op.Values(1);
  blocks.pairs = op.Values(2);
  if (blocks.extents == nullptr || blocks.pairs == nullptr) return op.DependsOnValues();
  if (blocks.pairs->size() != 2 * blocks.extents->size() ||
      op.In(0).size() <= blocks.extents->size()) {
    return op.Wrong("the blocks are for another number of dimensions");
  }
  for (const int64_t extent : *blocks.extents) {
    if (extent < 1 || extent > INT16_MAX || blocks.count > INT16_MAX) {
      return op.Wrong("a block has the extent " + std::to_string(extent));
    }
    blocks.count *= extent;  // stays below 2^31
  }
  return absl::OkStatus();
}

absl::Status SpaceToBatch(OperatorShapes& op) {
  Blocks blocks;
  RETURN_IF_ERROR(ReadBlocks(op, blocks));
  if (!op.why_not_known().empty()) return absl::OkStatus();
  std::vector<int64_t> out(op.In(0).begin(), op.In(0).end());
  out[0] *= blocks.count;
  for (size_t i = 0; i < blocks.extents->size(); ++i) {
    const int64_t padded = out[i + 1] + (*blocks.pairs)[2 * i] + (*blocks.pairs)[2 * i + 1];
    if (padded % (*blocks.extents)[i] != 0) return op.Wrong("the blocks do not fit");
    out[i + 1] = padded / (*blocks.extents)[i];
  }
  return op.Out(0, out);
}

absl::Status BatchToSpace(OperatorShapes& op) {
  Blocks blocks;
  RETURN_IF_ERROR(ReadBlocks(op, blocks));
  if (!op.why_not_known().empty()) return absl::OkStatus();
  std::vector<int64_t> out(op.In(0).begin(), op.In(0).end());
  if (out[0] % blocks.count != 0) return op.Wrong("the batch is not whole blocks");
  out[0] /= blocks.count;
  for (size_t i = 0; i < blocks.extents->size(); ++i) {
    out[i + 1] =
        out[i + 1] * (*blocks.extents)[i] - (*blocks.pairs)[2 * i] - (*blocks.pairs)[2 * i + 1];
  }
  return op.Out(0, out);
}

}  // namespace

std::vector<ShapeRule> WindowRules() {
  return {{"CONV_2D", Conv2D, 2},
          {"DEPTHWISE_CONV_2D", DepthwiseConv2D, 2},
          {"AVERAGE_POOL_2D", Pool2D},
          {"MAX_POOL_2D", Pool2D},
          {"L2_POOL_2D", Pool2D},
          {"CONV_3D", Conv3D, 2},
          {"TRANSPOSE_CONV", ShapeFromFirstInput, 3},
          {"CONV_3D_TRANSPOSE", ShapeFromFirstInput, 3},
          {"RESIZE_BILINEAR", Resize, 2},
          {"RESIZE_NEAREST_NEIGHBOR", Resize, 2},
          {"SPACE_TO_DEPTH", SpaceToDepth},
          {"DEPTH_TO_SPACE", DepthToSpace},
          {"SPACE_TO_BATCH_ND", SpaceToBatch, 3},
          {"BATCH_TO_SPACE_ND", BatchToSpace, 3}};
}

}  // namespace bowerbird::tflite
