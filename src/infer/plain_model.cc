// SPDX-License-Identifier: Apache-2.0
#include "infer/plain_model.h"

#include <vector>

#include "base/status.h"
#include "infer/interpreter.h"
#include "infer/xnnpack.h"
#include "tensorflow/lite/c/c_api.h"

namespace bowerbird::infer {
namespace {

Shape ShapeOf(const TfLiteTensor* tensor) {
  Shape shape;
  for (int i = 0; i < TfLiteTensorNumDims(tensor); ++i) shape.push_back(TfLiteTensorDim(tensor, i));
  return shape;
}

class PlainRuntime : public PlainModel {
 public:
  ~PlainRuntime() override {
    DeleteInterpreter();
    if (model_ != nullptr) TfLiteModelDelete(model_);
  }

  absl::Status Load(const PlainOptions& options) {
    model_ = TfLiteModelCreateFromFile(options.model_path.c_str());
    if (model_ == nullptr) return InvalidArgument("the runtime refuses " + options.model_path);
    if (options.xnnpack) {
      std::string missing;
      if (AvailableDelegates(&missing).size() == 1) return FailedPrecondition(missing);
      if (Build(options.num_threads, 1) || Build(options.num_threads, 0)) return absl::OkStatus();
    } else if (Build(options.num_threads, std::nullopt)) {
      return absl::OkStatus();
    }
    return InvalidArgument("the runtime makes no interpreter for " + options.model_path +
                           (options.xnnpack ? " with XNNPACK" : ""));
  }

  int input_count() const override { return TfLiteInterpreterGetInputTensorCount(interpreter_); }
  int output_count() const override { return TfLiteInterpreterGetOutputTensorCount(interpreter_); }
  DType input_type(int index) const override { return TypeOf(In(index)); }
  Shape input_shape(int index) const override { return ShapeOf(In(index)); }
  std::span<std::byte> input(int index) override {
    return {static_cast<std::byte*>(TfLiteTensorData(In(index))), TfLiteTensorByteSize(In(index))};
  }
  DType output_type(int index) const override { return TypeOf(Out(index)); }
  Shape output_shape(int index) const override { return ShapeOf(Out(index)); }
  std::span<const std::byte> output(int index) const override {
    return {static_cast<const std::byte*>(TfLiteTensorData(Out(index))),
            TfLiteTensorByteSize(Out(index))};
  }
  bool Invoke() override { return TfLiteInterpreterInvoke(interpreter_) == kTfLiteOk; }

 private:
  TfLiteTensor* In(int index) const { return TfLiteInterpreterGetInputTensor(interpreter_, index); }
  const TfLiteTensor* Out(int index) const {
    return TfLiteInterpreterGetOutputTensor(interpreter_, index);
  }

  bool Build(int num_threads, std::optional<uint32_t> xnnpack_flags) {
    TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
    TfLiteInterpreterOptionsSetNumThreads(options, num_threads);
    if (xnnpack_flags) {
      const BowerbirdXnnpackOptions290 xnnpack = {.num_threads = num_threads,
                                                  .flags = *xnnpack_flags};
      delegate_ = TfLiteXNNPackDelegateCreate(&xnnpack);
      TfLiteInterpreterOptionsAddDelegate(options, delegate_);
    }
    interpreter_ = TfLiteInterpreterCreate(model_, options);
    TfLiteInterpreterOptionsDelete(options);
    const bool ok =
        interpreter_ != nullptr && TfLiteInterpreterAllocateTensors(interpreter_) == kTfLiteOk;
    if (!ok) DeleteInterpreter();
    return ok;
  }

  void DeleteInterpreter() {
    if (interpreter_ != nullptr) TfLiteInterpreterDelete(interpreter_);
    interpreter_ = nullptr;
    if (delegate_ != nullptr) TfLiteXNNPackDelegateDelete(delegate_);
    delegate_ = nullptr;
  }

  TfLiteModel* model_ = nullptr;
  TfLiteDelegate* delegate_ = nullptr;
  TfLiteInterpreter* interpreter_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PlainModel>> PlainModel::Load(const PlainOptions& options) {
  auto model = std::make_unique<PlainRuntime>();
  RETURN_IF_ERROR(model->Load(options));
  return model;
}

}  // namespace bowerbird::infer
