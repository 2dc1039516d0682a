// SPDX-License-Identifier: Apache-2.0
//
// Operators that look at each element by itself, and those that reduce.
#include <map>
#include <utility>

#include "base/status.h"
#include "train/torch/kernels.h"

namespace bowerbird::train {
namespace {

using Unary = at::Tensor (*)(const at::Tensor&);
using Binary = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

const std::map<std::string, Unary, std::less<>> kUnary = {
    {"ABS", [](const at::Tensor& x) { return at::abs(x); }},
    {"ELU", [](const at::Tensor& x) { return at::elu(x); }},
    {"EXP", [](const at::Tensor& x) { return at::exp(x); }},
    {"HARD_SWISH", [](const at::Tensor& x) { return at::hardswish(x); }},
    {"LOGISTIC", [](const at::Tensor& x) { return at::sigmoid(x); }},
    {"LOG_SOFTMAX",
     [](const at::Tensor& x) { return at::log_softmax(x, DimensionOf(-1, x.dim())); }},
    {"NEG", [](const at::Tensor& x) { return at::neg(x); }},
    {"RELU", [](const at::Tensor& x) { return at::relu(x); }},
    {"RELU6", [](const at::Tensor& x) { return at::hardtanh(x, 0, 6); }},
    {"RELU_N1_TO_1", [](const at::Tensor& x) { return at::hardtanh(x, -1, 1); }},
    {"RSQRT", [](const at::Tensor& x) { return at::rsqrt(x); }},
    {"SQRT", [](const at::Tensor& x) { return at::sqrt(x); }},
    {"SQUARE", [](const at::Tensor& x) { return at::square(x); }},
    {"TANH", [](const at::Tensor& x) { return at::tanh(x); }},
};

const std::map<std::string, Binary, std::less<>> kBinary = {
    {"ADD", [](const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); }},
    {"DIV", [](const at::Tensor& a, const at::Tensor& b) { return at::div(a, b); }},
    {"MAXIMUM", [](const at::Tensor& a, const at::Tensor& b) { return at::maximum(a, b); }},
    {"MINIMUM", [](const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); }},
    {"MUL", [](const at::Tensor& a, const at::Tensor& b) { return at::mul(a, b); }},
    {"PRELU", [](const at::Tensor& x,
                 const at::Tensor& slope) { return at::relu(x) - slope * at::relu(-x); }},
    {"SQUARED_DIFFERENCE",
     [](const at::Tensor& a, const at::Tensor& b) { return at::square(a - b); }},
    {"SUB", [](const at::Tensor& a, const at::Tensor& b) { return at::sub(a, b); }},
};

// A tensor of fewer dimensions stands for the last ones of the file's: [C] beside [N, H, W, C].
at::Tensor Widened(const at::Tensor& tensor, int64_t rank) {
  if (rank != 4 || tensor.dim() == 4 || tensor.dim() == 0) return tensor;
  std::vector<int64_t> shape(static_cast<size_t>(rank - tensor.dim()), 1);
  shape.insert(shape.end(), tensor.sizes().begin(), tensor.sizes().end());
  return FromFileOrder(tensor.reshape(shape));
}

Kernel BinaryKernel(Binary function, int64_t activation) {
  return [function, activation](std::span<const at::Tensor> in) {
    const int64_t rank = std::max(in[0].dim(), in[1].dim());
    return Activate(function(Widened(in[0], rank), Widened(in[1], rank)), activation);
  };
}

absl::StatusOr<Kernel> Reduction(const OperatorSource& source, const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> axes, source.Whole(1));
  const bool keeps = source.op.options.Bool("keep_dims");
  return Kernel([axes, keeps, name](std::span<const at::Tensor> in) {
    std::vector<int64_t> dimensions;
    for (const int64_t axis : axes) dimensions.push_back(DimensionOf(axis, in[0].dim()));
    at::Tensor reduced = in[0];
    if (name == "MEAN") reduced = reduced.mean(dimensions, true);
    if (name == "SUM") reduced = reduced.sum(dimensions, true);
    if (name == "REDUCE_MAX") reduced = reduced.amax(dimensions, true);
    if (keeps) return reduced;
    std::vector<int64_t> left;
    const at::Tensor in_file_order = ToFileOrder(reduced);
    for (int64_t i = 0; i < in_file_order.dim(); ++i) {
      const bool is_reduced = std::ranges::any_of(
          axes, [&](int64_t a) { return (a < 0 ? a + in_file_order.dim() : a) == i; });
      if (!is_reduced) left.push_back(in_file_order.size(i));
    }
    return FromFileOrder(in_file_order.reshape(left));
  });
}

Kernel Softmax(float beta) {
  return [beta](std::span<const at::Tensor> in) {
    const at::Tensor scaled = beta == 1 ? in[0] : in[0] * beta;
    return at::softmax(scaled, DimensionOf(-1, scaled.dim()));
  };
}

}  // namespace

at::Tensor Activate(at::Tensor fresh, int64_t activation) {
  switch (activation) {
    case 1:
      return fresh.relu_();
    case 2:
      return at::hardtanh_(fresh, -1, 1);
    case 3:
      return at::hardtanh_(fresh, 0, 6);
    case 4:
      return fresh.tanh_();
    default:
      return fresh;
  }
}

absl::StatusOr<Kernel> MakeElementKernel(const OperatorSource& source, const std::string& name) {
  const tflite::Table& options = source.op.options;
  if (const auto unary = kUnary.find(name); unary != kUnary.end()) {
    return Kernel(
        [function = unary->second](std::span<const at::Tensor> in) { return function(in[0]); });
  }
  if (const auto binary = kBinary.find(name);
      binary != kBinary.end() && source.op.inputs.size() == 2)
    return BinaryKernel(binary->second, options.Int("fused_activation_function"));
  if (name == "LEAKY_RELU") {
    return Kernel([slope = options.Float("alpha")](std::span<const at::Tensor> in) {
      return at::leaky_relu(in[0], slope);
    });
  }
  if (name == "MEAN" || name == "SUM" || name == "REDUCE_MAX") return Reduction(source, name);
  if (name == "SOFTMAX") return Softmax(options.Float("beta", 1));
  return Kernel();
}

}  // namespace bowerbird::train
