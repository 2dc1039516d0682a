// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_lease.h"

#include "base/status.h"

namespace bowerbird::infer {

TfliteLease::TfliteLease(Pool& pool, ShapeGate* gate, Context context,
                         std::unique_ptr<Instance> instance)
    : pool_(pool), gate_(gate), context_(std::move(context)), instance_(std::move(instance)) {}

TfliteLease::~TfliteLease() {
  if (instance_ != nullptr) pool_.GiveBack(std::move(instance_));
}

absl::Status TfliteLease::ResizeInputs(const std::vector<Shape>& shapes) {
  if (instance_ == nullptr) return FailedPrecondition("the lease has lost its instance");
  if (gate_ != nullptr && !gate_->HasPassed(shapes)) RETURN_IF_ERROR(TryFirst(shapes));
  return tflite().ResizeInputs(shapes);
}

// A child may take its time, which is no reason for other calls to wait.
absl::Status TfliteLease::TryFirst(const std::vector<Shape>& shapes) {
  const std::vector<Shape> now = tflite().InputShapes();
  pool_.GiveBack(std::move(instance_));
  absl::Status verdict = gate_->Try(context_, shapes);
  ASSIGN_OR_RETURN(instance_, pool_.Take(context_));
  RETURN_IF_ERROR(tflite().ResizeInputs(now));
  return verdict;
}

std::span<std::byte> TfliteLease::Input(int index) {
  return instance_ == nullptr ? std::span<std::byte>() : tflite().Input(index);
}

TensorView TfliteLease::InputView(int index) const {
  return instance_ == nullptr ? TensorView() : tflite().InputView(index);
}

absl::Status TfliteLease::Invoke(const Context& context) {
  if (instance_ == nullptr) return FailedPrecondition("the lease has lost its instance");
  return tflite().Invoke(context);
}

TensorView TfliteLease::Output(int index) const {
  return instance_ == nullptr ? TensorView() : tflite().Output(index);
}

}  // namespace bowerbird::infer
