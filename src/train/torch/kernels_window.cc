// SPDX-License-Identifier: Apache-2.0
//
// Convolutions, pools and products: operators that have weights or a window.
#include <algorithm>
#include <array>
#include <limits>

#include "base/status.h"
#include "train/torch/kernels.h"

namespace bowerbird::train {
namespace {

constexpr int64_t kSame = 0;

struct Window {
  bool same = false;
  std::array<int64_t, 2> stride{1, 1};  // height, width
  std::array<int64_t, 2> dilation{1, 1};
  int64_t activation = 0;
};

Window WindowOf(const tflite::Table& options) {
  Window window;
  window.same = options.Int("padding") == kSame;
  window.stride = {options.Int("stride_h", 1), options.Int("stride_w", 1)};
  window.dilation = {options.Int("dilation_h_factor", 1), options.Int("dilation_w_factor", 1)};
  window.activation = options.Int("fused_activation_function");
  return window;
}

struct Margins {
  std::array<int64_t, 2> before{0, 0};  // height, width
  std::array<int64_t, 2> after{0, 0};
  bool symmetric() const { return before == after; }
  bool none() const { return before[0] + before[1] + after[0] + after[1] == 0; }
};

// What SAME adds: as much as gives ceil(extent / stride) positions, the odd element behind.
Margins MarginsOf(const Window& window, const at::Tensor& input, int64_t height, int64_t width) {
  Margins margins;
  if (!window.same) return margins;
  const std::array<int64_t, 2> extents{input.size(2), input.size(3)};
  const std::array<int64_t, 2> filter{height, width};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t positions = (extents[i] + window.stride[i] - 1) / window.stride[i];
    const int64_t reach = (filter[i] - 1) * window.dilation[i] + 1;
    const int64_t total =
        std::max<int64_t>(0, (positions - 1) * window.stride[i] + reach - extents[i]);
    margins.before[i] = total / 2;
    margins.after[i] = total - total / 2;
  }
  return margins;
}

at::Tensor Pad(const at::Tensor& input, const Margins& margins, double value) {
  return at::constant_pad_nd(
      input, {margins.before[1], margins.after[1], margins.before[0], margins.after[0]}, value);
}

Kernel Convolution(const Window& window, bool depthwise) {
  return [window, depthwise](std::span<const at::Tensor> in) {
    at::Tensor input = in[0];
    const at::Tensor& weight = in[1];
    const at::Tensor bias = in.size() > 2 ? in[2] : at::Tensor();
    const Margins margins = MarginsOf(window, input, weight.size(2), weight.size(3));
    std::array<int64_t, 2> padding{0, 0};
    if (margins.symmetric()) {
      padding = margins.before;
    } else {
      input = Pad(input, margins, 0);
    }
    const int64_t groups = depthwise ? input.size(1) : input.size(1) / weight.size(1);
    // Of a single element the dilation means nothing, but with one the library takes oneDNN, which
    // it leaves to whatever BLAS the system has otherwise (1x1, one thread, batch below 16).
    const bool single = weight.size(2) == 1 && weight.size(3) == 1;
    const std::array<int64_t, 2> dilation = single ? std::array<int64_t, 2>{2, 2} : window.dilation;
    return Activate(at::conv2d(input, weight, bias, window.stride, padding, dilation, groups),
                    window.activation);
  };
}

Kernel FullyConnected(const OperatorSource& source) {
  const int64_t activation = source.op.options.Int("fused_activation_function");
  const bool keeps_dimensions = source.op.options.Bool("keep_num_dims");
  return [activation, keeps_dimensions](std::span<const at::Tensor> in) {
    at::Tensor input = ToFileOrder(in[0]);
    if (!keeps_dimensions) input = input.reshape({-1, in[1].size(1)});
    const at::Tensor bias = in.size() > 2 ? in[2] : at::Tensor();
    return FromFileOrder(Activate(at::linear(input, in[1], bias), activation));
  };
}

struct Pool {
  Window window;
  std::array<int64_t, 2> filter{1, 1};
};

Pool PoolOf(const tflite::Table& options) {
  return {WindowOf(options), {options.Int("filter_height", 1), options.Int("filter_width", 1)}};
}

// Positions outside the map do not count.
Kernel AveragePool(const Pool& pool) {
  return [pool](std::span<const at::Tensor> in) {
    const Margins margins = MarginsOf(pool.window, in[0], pool.filter[0], pool.filter[1]);
    if (margins.none()) {
      return Activate(at::avg_pool2d(in[0], pool.filter, pool.window.stride),
                      pool.window.activation);
    }
    const at::Tensor ones = at::ones({1, 1, in[0].size(2), in[0].size(3)}, in[0].options());
    const at::Tensor part = at::avg_pool2d(Pad(ones, margins, 0), pool.filter, pool.window.stride);
    const at::Tensor sum = at::avg_pool2d(Pad(in[0], margins, 0), pool.filter, pool.window.stride);
    return Activate(sum / part, pool.window.activation);
  };
}

Kernel MaxPool(const Pool& pool) {
  return [pool](std::span<const at::Tensor> in) {
    const Margins margins = MarginsOf(pool.window, in[0], pool.filter[0], pool.filter[1]);
    const at::Tensor padded =
        margins.none() ? in[0] : Pad(in[0], margins, -std::numeric_limits<double>::infinity());
    return Activate(at::max_pool2d(padded, pool.filter, pool.window.stride),
                    pool.window.activation);
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeWindowKernel(const OperatorSource& source, const std::string& name) {
  const tflite::Table& options = source.op.options;
  const bool has_weights = source.op.inputs.size() >= 2;
  if (name == "CONV_2D" && has_weights) return Convolution(WindowOf(options), false);
  if (name == "DEPTHWISE_CONV_2D" && has_weights) return Convolution(WindowOf(options), true);
  if (name == "FULLY_CONNECTED" && has_weights) {
    if (options.Int("weights_format") != 0)
      return Unimplemented("FULLY_CONNECTED with shuffled weights");
    return FullyConnected(source);
  }
  if (name == "AVERAGE_POOL_2D") return AveragePool(PoolOf(options));
  if (name == "MAX_POOL_2D") return MaxPool(PoolOf(options));
  return Kernel();
}

}  // namespace bowerbird::train
