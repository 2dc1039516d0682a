// SPDX-License-Identifier: Apache-2.0
//
// What kind of file it is: by its extension, or by how its content begins.
#pragma once

#include <string_view>

namespace bowerbird::wire {

inline constexpr char kUnknownMediaType[] = "application/octet-stream";
// As many bytes of the beginning as MediaTypeOfContent looks at.
inline constexpr size_t kSniffedBytes = 16;

// `extension`: ".JPG" or "jpg". "" if it says nothing.
std::string_view MediaTypeOfExtension(std::string_view extension);
// ".jpeg" of "image/jpeg"; "" for a type without a usual one.
std::string_view ExtensionOfMediaType(std::string_view type);
// By its signature; "" if there is none that is known.
std::string_view MediaTypeOfContent(std::string_view begin);

}  // namespace bowerbird::wire
