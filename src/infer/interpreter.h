// SPDX-License-Identifier: Apache-2.0
//
// One TensorFlow Lite interpreter with its delegate and the texts of its errors. Private to this
// room: other rooms see Lease.
#pragma once

#include <cstdarg>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/operator_trace.h"
#include "infer/tensor.h"
#include "tensorflow/lite/c/c_api.h"

namespace bowerbird::infer {

// The rungs of the ladder, best first.
enum class Delegate { kXnnpackQs8, kXnnpack, kNone };
std::string_view DelegateName(Delegate delegate);

// The rungs that this build of the runtime has; kNone always is one. `why` says what is missing.
std::vector<Delegate> AvailableDelegates(std::string* why);

// The runtime's type as ours; kOther for types that no caller can fill or read.
DType TypeOf(const TfLiteTensor* tensor);

// Not thread-safe. `model` must outlive it.
class Interpreter {
 public:
  // Builds, applies the delegate and allocates all tensors. The error carries the runtime's text.
  // `observer` may be null; one that wants operators must outlive the interpreter.
  static absl::StatusOr<std::unique_ptr<Interpreter>> Create(const TfLiteModel* model,
                                                             Delegate delegate, int num_threads,
                                                             LoadObserver* observer = nullptr);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Operators that the delegate took, and the tensors that they write, by subgraph.
  int delegated() const { return delegated_; }
  const std::vector<std::vector<int>>& delegated_outputs() const { return delegated_outputs_; }

  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return output_count_; }
  TfLiteTensor* input(int index) const { return inputs_[static_cast<size_t>(index)]; }
  const TfLiteTensor* output(int index) const;

  // Resizes all inputs and allocates. After an error the tensors are not allocated: resize again,
  // or drop it.
  absl::Status Resize(const std::vector<Shape>& shapes);
  absl::Status Invoke();
  // Zeros in every input, then Invoke: whether the kernels can do the work that Create promised.
  absl::Status InvokeOnZeros();

 private:
  Interpreter() = default;

  // What the runtime reported since the last call.
  std::string TakeErrors();
  absl::Status Failed(std::string_view what);
  static void Report(void* user_data, const char* format, va_list arguments);
  absl::Status Allocate();

  std::string errors_;
  std::unique_ptr<OperatorTrace> trace_;  // if an observer wants operators
  TfLiteDelegate* delegate_ = nullptr;
  TfLiteInterpreter* interpreter_ = nullptr;
  std::vector<TfLiteTensor*> inputs_;
  int output_count_ = 0;
  int delegated_ = 0;
  std::vector<std::vector<int>> delegated_outputs_;
};

}  // namespace bowerbird::infer
