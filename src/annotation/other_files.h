// SPDX-License-Identifier: Apache-2.0
//
// What is said of files that are no pictures by their names where pictures are looked for. Internal
// to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "annotation/folder.h"
#include "annotation/problem.h"

namespace bowerbird::annotation {

// By its ending: text in which annotations come. unread_files.h tells about these.
bool MayHoldAnnotations(std::string_view path);

// Of a picture that is not read, because of its kind or because its name does not say what it is:
// "file skipped", with what to do. Of anything else "file not used"; nullopt where
// MayHoldAnnotations. Looks at the first bytes of the file.
std::optional<Problem> ProblemOfOther(const Folder& folder, const std::string& path);

}  // namespace bowerbird::annotation
