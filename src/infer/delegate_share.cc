// SPDX-License-Identifier: Apache-2.0
#include "infer/delegate_share.h"

#include <cassert>

namespace bowerbird::infer {

thread_local DelegateShare* DelegateShare::current_ = nullptr;

DelegateShare::DelegateShare(TfLiteDelegate* delegate)
    : delegate_(delegate), prepare_(delegate->Prepare) {
  assert(current_ == nullptr);
  current_ = this;
  delegate_->Prepare = &DelegateShare::Prepare;
}

DelegateShare::~DelegateShare() {
  delegate_->Prepare = prepare_;
  current_ = nullptr;
}

TfLiteStatus DelegateShare::Prepare(TfLiteContext* context, TfLiteDelegate* delegate) {
  DelegateShare& share = *current_;
  share.outputs_.emplace_back();  // the runtime offers one subgraph after the other
  share.replace_ = context->ReplaceNodeSubsetsWithDelegateKernels;
  context->ReplaceNodeSubsetsWithDelegateKernels = &DelegateShare::Replace;
  const TfLiteStatus status = share.prepare_(context, delegate);
  context->ReplaceNodeSubsetsWithDelegateKernels = share.replace_;
  return status;
}

TfLiteStatus DelegateShare::Replace(TfLiteContext* context, TfLiteRegistration registration,
                                    const TfLiteIntArray* nodes, TfLiteDelegate* delegate) {
  DelegateShare& share = *current_;
  share.taken_ += nodes->size;
  for (int i = 0; i < nodes->size; ++i) {
    TfLiteNode* node = nullptr;
    TfLiteRegistration* kernel = nullptr;
    if (context->GetNodeAndRegistration(context, nodes->data[i], &node, &kernel) != kTfLiteOk) {
      continue;
    }
    const int* first = node->outputs->data;
    share.outputs_.back().insert(share.outputs_.back().end(), first, first + node->outputs->size);
  }
  return current_->replace_(context, registration, nodes, delegate);
}

}  // namespace bowerbird::infer
