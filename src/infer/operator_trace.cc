// SPDX-License-Identifier: Apache-2.0
#include "infer/operator_trace.h"

#include <cassert>

#include "tflite/graph.h"

namespace bowerbird::infer {

thread_local OperatorTrace* OperatorTrace::current_ = nullptr;

OperatorTrace::OperatorTrace(LoadObserver& observer)
    : observer_(observer), delegate_(TfLiteDelegateCreate()) {
  assert(current_ == nullptr);
  current_ = this;
  delegate_.Prepare = &OperatorTrace::Hook;
  // Else the runtime would prepare all operators first, and those that die of it would not be seen.
  delegate_.flags = kTfLiteDelegateFlagsAllowDynamicTensors;
}

OperatorTrace::~OperatorTrace() { current_ = nullptr; }

TfLiteStatus OperatorTrace::Hook(TfLiteContext* context, TfLiteDelegate*) {
  OperatorTrace& trace = *current_;
  TfLiteIntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
  for (int i = 0; i < plan->size; ++i) {
    TfLiteNode* node = nullptr;
    TfLiteRegistration* kernel = nullptr;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &kernel) != kTfLiteOk) {
      return kTfLiteError;
    }
    const tflite::OperatorCode code = {
        .builtin = kernel->builtin_code,
        .custom = kernel->custom_name == nullptr ? "" : kernel->custom_name};
    trace.kernels_[node->outputs] = {
        "operator " + std::to_string(plan->data[i]) + " (" + code.Name() + ")", kernel->prepare,
        kernel->invoke};
    if (kernel->prepare != nullptr) kernel->prepare = &OperatorTrace::Prepare;
    if (kernel->invoke != nullptr) kernel->invoke = &OperatorTrace::Invoke;
  }
  return kTfLiteOk;
}

const OperatorTrace::Kernel& OperatorTrace::KernelOf(const TfLiteNode* node) {
  return current_->kernels_.find(node->outputs)->second;  // every hooked table has its entry
}

TfLiteStatus OperatorTrace::Prepare(TfLiteContext* context, TfLiteNode* node) {
  LoadObserver& observer = current_->observer_;
  const Kernel& kernel = KernelOf(node);
  observer.Operator("prepares", kernel.name);
  const TfLiteStatus status = kernel.prepare(context, node);
  observer.OperatorDone();
  return status;
}

TfLiteStatus OperatorTrace::Invoke(TfLiteContext* context, TfLiteNode* node) {
  LoadObserver& observer = current_->observer_;
  const Kernel& kernel = KernelOf(node);
  observer.Operator("runs", kernel.name);
  const TfLiteStatus status = kernel.invoke(context, node);
  observer.OperatorDone();
  return status;
}

}  // namespace bowerbird::infer
