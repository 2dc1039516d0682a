// SPDX-License-Identifier: Apache-2.0
//
// Text on its way to the wire. A proto3 string must be UTF-8: one Latin-1 byte in a label file
// would make clients refuse the whole answer. Whatever comes from outside the program passes
// through here.
#pragma once

#include <string>
#include <string_view>

namespace bowerbird::wire {

// True for well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// `text`, with U+FFFD in place of every byte that is not part of well-formed UTF-8.
std::string Utf8(std::string_view text);

}  // namespace bowerbird::wire
