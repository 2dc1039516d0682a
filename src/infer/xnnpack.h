// SPDX-License-Identifier: Apache-2.0
//
// The XNNPACK delegate of TensorFlow Lite 2.9.0, whose header the library's package lacks. The
// options struct is that of 2.9.0 alone: it grows in later versions, so nothing here may be called
// unless TfLiteVersion() says "2.9.0".
#pragma once

#include <cstdint>

#include "tensorflow/lite/c/c_api.h"

extern "C" {

struct BowerbirdXnnpackOptions290 {
  int32_t num_threads;
  uint32_t flags;  // 1: signed 8-bit kernels. 2 (unsigned) breaks every model that was tried.
};

// Weak: a library built without the delegate still links, and the addresses are null then.
TfLiteDelegate* TfLiteXNNPackDelegateCreate(const BowerbirdXnnpackOptions290* options)
    __attribute__((weak));
void TfLiteXNNPackDelegateDelete(TfLiteDelegate* delegate) __attribute__((weak));

}  // extern "C"
