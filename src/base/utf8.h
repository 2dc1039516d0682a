// SPDX-License-Identifier: Apache-2.0
//
// Text that came from outside the program, on its way to a place that takes well-formed UTF-8 only:
// a proto3 string (one Latin-1 byte in a label file would make clients refuse the whole answer), a
// database, JSON. Well-formed: no overlong forms, no surrogates, nothing above U+10FFFF
// (the Unicode standard, table 3-7).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bowerbird {

// Bytes of the well-formed sequence at the start of `text`, 0 if there is none.
size_t Utf8SequenceLength(std::string_view text);

bool IsUtf8(std::string_view text);

// `text`, with U+FFFD in place of every byte that is not part of well-formed UTF-8.
std::string Utf8(std::string_view text);

// As Utf8, and U+FFFD in place of NUL, too, which PostgreSQL does not take; at most `most` bytes,
// cut between characters.
std::string Utf8Line(std::string_view text, size_t most);

}  // namespace bowerbird
