// SPDX-License-Identifier: Apache-2.0
//
// Included before everything else in a build with ThreadSanitizer. protobuf's headers have members
// more where they see that sanitizer, which the library of the system does not have; the C++
// library, which looks for it first, is told.
#pragma once

#include <memory>

#undef __SANITIZE_THREAD__
