// SPDX-License-Identifier: Apache-2.0
//
// Operators that move elements, and the choice among all families.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/status.h"
#include "train/torch/kernels.h"

namespace bowerbird::train {
namespace {

// The output's shape as the graph has it; where its leading extent is the batch's, the batch's.
Kernel ToShape(const OperatorSource& source) {
  const std::vector<int64_t> shape = Wide(source.Out().shape);
  const bool has_batch = !shape.empty() && shape[0] == 1;
  return [shape, has_batch](std::span<const at::Tensor> in) {
    std::vector<int64_t> wanted = shape;
    if (has_batch) wanted[0] = in[0].size(0);
    return FromFileOrder(ToFileOrder(in[0]).reshape(wanted));
  };
}

Kernel Concatenation(int64_t axis, int64_t activation) {
  return [axis, activation](std::span<const at::Tensor> in) {
    const std::vector<at::Tensor> parts(in.begin(), in.end());
    return Activate(at::cat(parts, DimensionOf(axis, in[0].dim())), activation);
  };
}

absl::StatusOr<Kernel> Padding(const OperatorSource& source) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> margins, source.Whole(1));
  if (margins.size() != 2 * source.In(0).shape.size())
    return InvalidArgument("the margins do not fit the rank of what they are put around");
  return Kernel([margins](std::span<const at::Tensor> in) {
    const int64_t rank = in[0].dim();
    // The library wants the margins of the last dimension first.
    std::vector<int64_t> wanted(margins.size());
    for (int64_t axis = 0; axis < rank; ++axis) {
      const auto from = static_cast<size_t>(2 * axis);
      const auto to = static_cast<size_t>(2 * (rank - 1 - DimensionOf(axis, rank)));
      wanted[to] = margins[from];
      wanted[to + 1] = margins[from + 1];
    }
    return at::constant_pad_nd(in[0], wanted, 0);
  });
}

absl::StatusOr<Kernel> Transposition(const OperatorSource& source) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> order, source.Whole(1));
  return Kernel([order](std::span<const at::Tensor> in) {
    return FromFileOrder(ToFileOrder(in[0]).permute(order)).contiguous();
  });
}

absl::StatusOr<Kernel> Slice(const OperatorSource& source) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> begin, source.Whole(1));
  ASSIGN_OR_RETURN(const std::vector<int64_t> extent, source.Whole(2));
  return Kernel([begin, extent](std::span<const at::Tensor> in) {
    at::Tensor part = in[0];
    for (size_t axis = 0; axis < begin.size(); ++axis) {
      const int64_t dimension = DimensionOf(static_cast<int64_t>(axis), part.dim());
      const bool takes_batch = axis == 0 && begin[0] == 0;
      const int64_t end =
          extent[axis] < 0 || takes_batch ? part.size(dimension) : begin[axis] + extent[axis];
      part = part.slice(dimension, begin[axis], end);
    }
    return part;
  });
}

// Where the output's elements lie in the input along one axis.
struct Positions {
  at::Tensor low, high, share;  // of `high`
};

struct ResizeRule {
  bool align_corners = false;
  bool half_pixels = false;

  double Source(int64_t out, int64_t from, int64_t to) const {
    if (align_corners && to > 1)
      return static_cast<double>(out) * static_cast<double>(from - 1) / static_cast<double>(to - 1);
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const auto place = static_cast<double>(out);
    return half_pixels ? (place + 0.5) * scale - 0.5 : place * scale;
  }
};

Positions BilinearPositions(const ResizeRule& rule, int64_t from, int64_t to) {
  std::vector<int64_t> low, high;
  std::vector<float> share;
  for (int64_t i = 0; i < to; ++i) {
    const double place = rule.Source(i, from, to);
    const auto floor = static_cast<int64_t>(std::floor(place));
    low.push_back(std::clamp<int64_t>(floor, 0, from - 1));
    high.push_back(std::clamp<int64_t>(floor + 1, 0, from - 1));
    share.push_back(static_cast<float>(place - static_cast<double>(floor)));
  }
  return {torch::tensor(low), torch::tensor(high), torch::tensor(share)};
}

at::Tensor NearestPositions(const ResizeRule& rule, int64_t from, int64_t to) {
  std::vector<int64_t> nearest;
  for (int64_t i = 0; i < to; ++i) {
    const double place = rule.Source(i, from, to);
    const double chosen = rule.align_corners ? std::round(place)
                          : rule.half_pixels ? std::floor(place + 0.5)
                                             : std::floor(place);
    nearest.push_back(std::clamp<int64_t>(static_cast<int64_t>(chosen), 0, from - 1));
  }
  return torch::tensor(nearest);
}

at::Tensor Interpolated(const at::Tensor& input, int64_t dimension, const Positions& positions) {
  std::vector<int64_t> shape(4, 1);
  shape[static_cast<size_t>(dimension)] = positions.share.size(0);
  const at::Tensor share = positions.share.reshape(shape);
  return input.index_select(dimension, positions.low) * (1 - share) +
         input.index_select(dimension, positions.high) * share;
}

absl::StatusOr<Kernel> Resizing(const OperatorSource& source, bool bilinear) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> size, source.Whole(1));
  if (size.size() != 2) return InvalidArgument("a size of other than two numbers");
  const ResizeRule rule{.align_corners = source.op.options.Bool("align_corners"),
                        .half_pixels = source.op.options.Bool("half_pixel_centers")};
  return Kernel([size, rule, bilinear](std::span<const at::Tensor> in) {
    const int64_t height = in[0].size(2);
    const int64_t width = in[0].size(3);
    if (!bilinear) {
      return in[0]
          .index_select(2, NearestPositions(rule, height, size[0]))
          .index_select(3, NearestPositions(rule, width, size[1]));
    }
    return Interpolated(Interpolated(in[0], 2, BilinearPositions(rule, height, size[0])), 3,
                        BilinearPositions(rule, width, size[1]));
  });
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> OperatorSource::Whole(size_t input) const {
  if (input >= op.inputs.size() || op.inputs[input] < 0)
    return InvalidArgument("an input is left out");
  const tflite::Tensor& tensor = In(input);
  const std::span<const std::byte> bytes = graph.buffers[tensor.buffer].data;
  if (tensor.type != tflite::TensorType::kInt32 || bytes.empty())
    return Unimplemented("'" + tensor.name + "' is no constant of type INT32");
  std::vector<int32_t> values(bytes.size() / sizeof(int32_t));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(int32_t));
  return Wide(values);
}

absl::StatusOr<Kernel> MakeLayoutKernel(const OperatorSource& source, const std::string& name) {
  const tflite::Table& options = source.op.options;
  if (name == "RESHAPE" || name == "SQUEEZE" || name == "EXPAND_DIMS") return ToShape(source);
  if (name == "CONCATENATION")
    return Concatenation(options.Int("axis"), options.Int("fused_activation_function"));
  if (name == "PAD") return Padding(source);
  if (name == "TRANSPOSE") return Transposition(source);
  if (name == "SLICE") return Slice(source);
  if (name == "RESIZE_BILINEAR") return Resizing(source, true);
  if (name == "RESIZE_NEAREST_NEIGHBOR") return Resizing(source, false);
  return Kernel();
}

absl::StatusOr<Kernel> MakeKernel(const OperatorSource& source) {
  const std::string name = source.graph.operator_codes[source.op.code].Name();
  if (source.op.inputs.empty() || source.op.inputs[0] < 0 || source.op.outputs.size() != 1)
    return Unimplemented("operator " + name + " of several results or without an input");
  for (const auto family : {MakeWindowKernel, MakeElementKernel, MakeLayoutKernel}) {
    absl::StatusOr<Kernel> kernel = family(source, name);
    if (!kernel.ok()) return Annotate(kernel.status(), "operator " + name);
    if (*kernel != nullptr) return kernel;
  }
  return Unimplemented("operator " + name +
                       " cannot be trained: choose a base model without it, or train a head alone");
}

}  // namespace bowerbird::train
