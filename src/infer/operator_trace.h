// SPDX-License-Identifier: Apache-2.0
//
// Tells an observer of each operator that an interpreter prepares and runs. Private to this room.
//
// The C interface of the runtime has no profiler, but it shows a delegate its copy of every
// kernel's function table before anything is prepared. This delegate takes no operator; it puts
// functions of its own into those tables, which tell the observer and go on to the kernel's.
#pragma once

#include <string>
#include <unordered_map>

#include "infer/load_observer.h"
#include "tensorflow/lite/c/common.h"

namespace bowerbird::infer {

// For one interpreter, which it must outlive; that is built and run by the thread that made the
// trace, and there is one trace a thread at a time.
class OperatorTrace {
 public:
  explicit OperatorTrace(LoadObserver& observer);
  ~OperatorTrace();
  OperatorTrace(const OperatorTrace&) = delete;
  OperatorTrace& operator=(const OperatorTrace&) = delete;

  // To be added before all other delegates.
  TfLiteDelegate* delegate() { return &delegate_; }

 private:
  struct Kernel {
    std::string name;
    TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*);
    TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*);
  };

  static TfLiteStatus Hook(TfLiteContext* context, TfLiteDelegate* delegate);
  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node);
  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node);
  static const Kernel& KernelOf(const TfLiteNode* node);

  static thread_local OperatorTrace* current_;

  LoadObserver& observer_;
  TfLiteDelegate delegate_;
  // By the node's list of outputs: nodes move in memory when delegates add theirs, lists do not.
  std::unordered_map<const TfLiteIntArray*, Kernel> kernels_;
};

}  // namespace bowerbird::infer
