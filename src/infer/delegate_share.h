// SPDX-License-Identifier: Apache-2.0
//
// Which part of a graph a delegate takes. The C API does not tell, so this looks over the
// delegate's shoulder while it chooses its operators.
#pragma once

#include <vector>

#include "tensorflow/lite/c/common.h"

namespace bowerbird::infer {

// Watches `delegate` in the thread that made this object, while it lives. One at a time in a
// thread.
class DelegateShare {
 public:
  explicit DelegateShare(TfLiteDelegate* delegate);
  ~DelegateShare();  // gives the delegate back as it was
  DelegateShare(const DelegateShare&) = delete;
  DelegateShare& operator=(const DelegateShare&) = delete;

  // Operators that it took, of all subgraphs.
  int taken() const { return taken_; }
  // The tensors that these write, one list for each subgraph in their order.
  const std::vector<std::vector<int>>& outputs() const { return outputs_; }

 private:
  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteDelegate* delegate);
  static TfLiteStatus Replace(TfLiteContext* context, TfLiteRegistration registration,
                              const TfLiteIntArray* nodes, TfLiteDelegate* delegate);

  // The runtime's callbacks carry no pointer of ours.
  static thread_local DelegateShare* current_;

  TfLiteDelegate* delegate_;
  decltype(TfLiteDelegate::Prepare) prepare_;
  decltype(TfLiteContext::ReplaceNodeSubsetsWithDelegateKernels) replace_ = nullptr;
  int taken_ = 0;
  std::vector<std::vector<int>> outputs_;
};

}  // namespace bowerbird::infer
