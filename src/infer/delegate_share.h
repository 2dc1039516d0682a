// SPDX-License-Identifier: Apache-2.0
//
// How much of a graph a delegate takes. The C API does not tell, so this looks over the delegate's
// shoulder while it chooses its operators.
#pragma once

#include "tensorflow/lite/c/common.h"

namespace bowerbird::infer {

// Counts the operators that `delegate` takes, of all subgraphs, in the thread that made this object
// and while it lives. One at a time in a thread.
class DelegateShare {
 public:
  explicit DelegateShare(TfLiteDelegate* delegate);
  ~DelegateShare();  // gives the delegate back as it was
  DelegateShare(const DelegateShare&) = delete;
  DelegateShare& operator=(const DelegateShare&) = delete;

  int taken() const { return taken_; }

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
};

}  // namespace bowerbird::infer
