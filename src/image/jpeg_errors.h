// SPDX-License-Identifier: Apache-2.0
//
// libjpeg's errors without its exit(): the message is kept and control jumps back to the caller's
// setjmp. Code between the setjmp and a libjpeg call must own nothing, since no destructor runs.
#pragma once

#include <setjmp.h>

#include <cstddef>
#include <cstdio>

// jpeglib.h needs size_t and FILE declared first.
#include <jpeglib.h>

namespace bowerbird::image {

struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg only knows this part
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] inline void LeaveJpeg(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->base.format_message(info, errors->message);
  longjmp(errors->jump, 1);
}

// The manager to hang into a compressor or decompressor.
inline jpeg_error_mgr* Prepare(JpegErrors& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = LeaveJpeg;
  errors.base.emit_message = [](j_common_ptr, int) {};
  errors.message[0] = 0;
  return &errors.base;
}

}  // namespace bowerbird::image
