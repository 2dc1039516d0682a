// SPDX-License-Identifier: Apache-2.0
#include "infer/interpreter.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "base/status.h"
#include "infer/delegate_share.h"
#include "infer/xnnpack.h"

namespace bowerbird::infer {
namespace {

constexpr std::string_view kXnnpackVersion = "2.9.0";
constexpr uint32_t kSignedInt8Kernels = 1;
constexpr size_t kMaxErrorText = 2000;

using OptionsPointer =
    std::unique_ptr<TfLiteInterpreterOptions, decltype(&TfLiteInterpreterOptionsDelete)>;

}  // namespace

std::string_view DelegateName(Delegate delegate) {
  switch (delegate) {
    case Delegate::kXnnpackQs8:
      return "xnnpack qs8";
    case Delegate::kXnnpack:
      return "xnnpack";
    case Delegate::kNone:
      return "none";
  }
  return "none";
}

std::vector<Delegate> AvailableDelegates(std::string* why) {
  if (TfLiteVersion() != kXnnpackVersion) {
    *why = std::string("TensorFlow Lite ") + TfLiteVersion() +
           " runs without XNNPACK, several times slower: its options are known for 2.9.0 only";
    return {Delegate::kNone};
  }
  if (TfLiteXNNPackDelegateCreate == nullptr || TfLiteXNNPackDelegateDelete == nullptr) {
    *why = "this TensorFlow Lite library was built without XNNPACK and runs several times slower";
    return {Delegate::kNone};
  }
  return {Delegate::kXnnpackQs8, Delegate::kXnnpack, Delegate::kNone};
}

DType TypeOf(const TfLiteTensor* tensor) {
  switch (TfLiteTensorType(tensor)) {
    case kTfLiteFloat32:
      return DType::kFloat32;
    case kTfLiteInt32:
      return DType::kInt32;
    case kTfLiteUInt8:
      return DType::kUint8;
    case kTfLiteInt64:
      return DType::kInt64;
    case kTfLiteString:
      return DType::kString;
    case kTfLiteBool:
      return DType::kBool;
    case kTfLiteInt16:
      return DType::kInt16;
    case kTfLiteInt8:
      return DType::kInt8;
    case kTfLiteFloat16:
      return DType::kFloat16;
    case kTfLiteFloat64:
      return DType::kFloat64;
    case kTfLiteUInt64:
      return DType::kUint64;
    case kTfLiteUInt32:
      return DType::kUint32;
    default:
      return DType::kOther;
  }
}

absl::StatusOr<std::unique_ptr<Interpreter>> Interpreter::Create(const TfLiteModel* model,
                                                                 Delegate delegate, int num_threads,
                                                                 LoadObserver* observer) {
  // Both are made afresh each time: a failed attempt leaves them unusable.
  std::unique_ptr<Interpreter> self(new Interpreter());
  OptionsPointer options(TfLiteInterpreterOptionsCreate(), TfLiteInterpreterOptionsDelete);
  TfLiteInterpreterOptionsSetNumThreads(options.get(), num_threads);
  TfLiteInterpreterOptionsSetErrorReporter(options.get(), &Interpreter::Report, self.get());
  if (observer != nullptr && observer->WantsOperators()) {
    self->trace_ = std::make_unique<OperatorTrace>(*observer);
    TfLiteInterpreterOptionsAddDelegate(options.get(), self->trace_->delegate());
  }
  if (delegate != Delegate::kNone) {
    const BowerbirdXnnpackOptions290 xnnpack = {
        .num_threads = num_threads,
        .flags = delegate == Delegate::kXnnpackQs8 ? kSignedInt8Kernels : 0};
    self->delegate_ = TfLiteXNNPackDelegateCreate(&xnnpack);
    if (self->delegate_ == nullptr) return self->Failed("the XNNPACK delegate cannot be made");
    TfLiteInterpreterOptionsAddDelegate(options.get(), self->delegate_);
  }
  std::optional<DelegateShare> share;
  if (self->delegate_ != nullptr) share.emplace(self->delegate_);
  self->interpreter_ = TfLiteInterpreterCreate(model, options.get());
  if (share) {
    self->delegated_ = share->taken();
    self->delegated_outputs_ = share->outputs();
    share.reset();
  }
  if (self->interpreter_ == nullptr) return self->Failed("the runtime refuses the model");
  RETURN_IF_ERROR(self->Allocate());
  self->output_count_ = TfLiteInterpreterGetOutputTensorCount(self->interpreter_);
  return self;
}

Interpreter::~Interpreter() {
  if (interpreter_ != nullptr) TfLiteInterpreterDelete(interpreter_);
  if (delegate_ != nullptr) TfLiteXNNPackDelegateDelete(delegate_);  // after its interpreter
}

const TfLiteTensor* Interpreter::output(int index) const {
  return TfLiteInterpreterGetOutputTensor(interpreter_, index);
}

absl::Status Interpreter::Allocate() {
  if (TfLiteInterpreterAllocateTensors(interpreter_) != kTfLiteOk) {
    return Failed("the runtime cannot lay out the model's tensors");
  }
  const int count = TfLiteInterpreterGetInputTensorCount(interpreter_);
  inputs_.clear();
  for (int i = 0; i < count; ++i) {
    inputs_.push_back(TfLiteInterpreterGetInputTensor(interpreter_, i));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::Resize(const std::vector<Shape>& shapes) {
  errors_.clear();
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::vector<int> extents(shapes[i].begin(), shapes[i].end());
    if (TfLiteInterpreterResizeInputTensor(interpreter_, static_cast<int>(i), extents.data(),
                                           static_cast<int32_t>(extents.size())) != kTfLiteOk) {
      return Failed("the runtime cannot resize an input");
    }
  }
  return Allocate();
}

absl::Status Interpreter::Invoke() {
  errors_.clear();
  if (TfLiteInterpreterInvoke(interpreter_) != kTfLiteOk) {
    // What GATHER says, and the checks of value_guard.h through it.
    const bool out_of_range = errors_.find("indices_has_only_positive") != std::string::npos;
    return Failed(out_of_range ? "an index that was sent lies outside of what it points into; send "
                                 "indices in range"
                               : "the runtime failed to run the model");
  }
  return absl::OkStatus();
}

absl::Status Interpreter::InvokeOnZeros() {
  for (TfLiteTensor* input : inputs_) {
    if (void* data = TfLiteTensorData(input)) std::memset(data, 0, TfLiteTensorByteSize(input));
  }
  return Invoke();
}

void Interpreter::Report(void* user_data, const char* format, va_list arguments) {
  std::string& errors = static_cast<Interpreter*>(user_data)->errors_;
  if (errors.size() >= kMaxErrorText) return;
  char line[512];
  std::vsnprintf(line, sizeof(line), format, arguments);
  std::string_view text(line);
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return;
  if (!errors.empty()) errors += "; ";
  errors += text;
}

std::string Interpreter::TakeErrors() { return std::exchange(errors_, {}); }

absl::Status Interpreter::Failed(std::string_view what) {
  const std::string errors = TakeErrors();
  return InvalidArgument(errors.empty() ? std::string(what) : std::string(what) + ": " + errors);
}

}  // namespace bowerbird::infer
