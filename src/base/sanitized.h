// SPDX-License-Identifier: Apache-2.0
//
// Whether this program was built with AddressSanitizer or ThreadSanitizer. Both map terabytes of
// shadow memory and want to be the first library of a process, so that limits of memory and
// preloaded libraries are not for them. The linker knows: their macros are hidden from the sources
// where a library's headers must not see them (cmake/thread_sanitizer.h).
#pragma once

// Their own function, under a name that is not reserved.
extern "C" void SetSanitizerDeathCallback(void (*callback)()) __asm__(
    "__sanitizer_set_death_callback") __attribute__((weak));

namespace bowerbird {

inline bool Sanitized() { return SetSanitizerDeathCallback != nullptr; }

}  // namespace bowerbird
