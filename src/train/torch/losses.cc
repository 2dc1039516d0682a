// SPDX-License-Identifier: Apache-2.0
#include "train/torch/losses.h"

#include "base/status.h"

namespace bowerbird::train {
namespace {

template <typename T>
at::Tensor Borrowed(std::span<const T> values, at::IntArrayRef shape, at::ScalarType type) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, type);
}

absl::Status WrongSize(const std::string& what, size_t given, int64_t wanted) {
  return InvalidArgument("a batch has " + std::to_string(given) + " " + what +
                         ", the network wants " + std::to_string(wanted));
}

absl::StatusOr<at::Tensor> ClassLoss(LossKind kind, const at::Tensor& logits, const Batch& batch) {
  if (static_cast<int64_t>(batch.class_targets.size()) != logits.numel())
    return WrongSize("class targets", batch.class_targets.size(), logits.numel());
  const at::Tensor targets = Borrowed(batch.class_targets, logits.sizes(), at::kFloat);
  if (kind == LossKind::kSoftmax)
    return -(targets * at::log_softmax(logits, -1)).sum() / static_cast<double>(batch.size);
  const at::Tensor known = targets.ge(0).to(at::kFloat);
  // log(1 + e^-|x|) + max(x, 0) - x t: finite for every logit.
  const at::Tensor each =
      at::relu(logits) - logits * targets + at::log1p(at::exp(-at::abs(logits)));
  return (each * known).sum() / known.sum().clamp_min(1);
}

at::Tensor FocalLoss(const NetworkOptions& options, const at::Tensor& logits,
                     const at::Tensor& classes) {
  const at::Tensor columns = at::arange(1, logits.size(-1) + 1, at::kInt);
  const at::Tensor targets = classes.unsqueeze(-1).eq(columns).to(at::kFloat);
  const at::Tensor counted = classes.ge(0).unsqueeze(-1).to(at::kFloat);
  const at::Tensor each =
      at::relu(logits) - logits * targets + at::log1p(at::exp(-at::abs(logits)));
  const at::Tensor probability = at::sigmoid(logits);
  const at::Tensor wrong = probability + targets - 2 * probability * targets;
  const at::Tensor side = targets * options.focal_alpha + (1 - targets) * (1 - options.focal_alpha);
  const at::Tensor focus =
      options.focal_gamma == 2 ? at::square(wrong) : at::pow(wrong, options.focal_gamma);
  return (side * focus * each * counted).sum();
}

absl::StatusOr<at::Tensor> DetectionLoss(const NetworkOptions& options,
                                         std::span<const at::Tensor> outputs, const Batch& batch) {
  if (outputs.size() != 2 || outputs[0].dim() != 3 || outputs[1].dim() != 3 ||
      outputs[0].size(2) != 4 || outputs[0].size(1) != outputs[1].size(1))
    return InvalidArgument("a detector needs outputs [N, A, 4] and [N, A, C]");
  const int64_t anchors = outputs[0].size(0) * outputs[0].size(1);
  if (static_cast<int64_t>(batch.anchor_classes.size()) != anchors)
    return WrongSize("anchor classes", batch.anchor_classes.size(), anchors);
  if (static_cast<int64_t>(batch.anchor_boxes.size()) != anchors * 4)
    return WrongSize("numbers of anchor boxes", batch.anchor_boxes.size(), anchors * 4);
  const at::Tensor classes =
      Borrowed(batch.anchor_classes, outputs[0].sizes().slice(0, 2), at::kInt);
  const at::Tensor wanted = Borrowed(batch.anchor_boxes, outputs[0].sizes(), at::kFloat);
  const at::Tensor matched = classes.ge(1);
  const at::Tensor count = matched.sum().to(at::kFloat).clamp_min(1);
  const at::Tensor boxes =
      at::smooth_l1_loss(outputs[0].index({matched}), wanted.index({matched}), at::Reduction::Sum);
  return (options.class_loss_weight * FocalLoss(options, outputs[1], classes) +
          options.box_loss_weight * boxes) /
         count;
}

}  // namespace

absl::StatusOr<at::Tensor> Loss(const NetworkOptions& options, std::span<const at::Tensor> outputs,
                                const Batch& batch) {
  if (options.loss == LossKind::kDetection) return DetectionLoss(options, outputs, batch);
  if (outputs.empty() || outputs[0].dim() != 2)
    return InvalidArgument("a classifier needs an output [N, C]");
  return ClassLoss(options.loss, outputs[0], batch);
}

}  // namespace bowerbird::train
