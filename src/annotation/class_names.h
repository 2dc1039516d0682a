// SPDX-License-Identifier: Apache-2.0
//
// The names behind the numbers of YOLO: classes.txt, obj.names, data.yaml. Internal to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/folder.h"

namespace bowerbird::annotation {

inline constexpr size_t kMaxClasses = 100'000;

// One name a line.
absl::StatusOr<std::vector<std::string>> NamesOfLines(std::string_view text);

// The member "names" of a data.yaml: a list in brackets, a list with dashes, or numbers and names.
// Only what such files use of YAML is understood. NOT_FOUND if there is no such member.
absl::StatusOr<std::vector<std::string>> NamesOfYaml(std::string_view text);

// Of the first file that has them: *.yaml with names, obj.names, *.names, classes.txt; in the root,
// or in a folder directly below. None, if all that there is is a *.yaml with an empty list of
// names: a dataset without boxes. NOT_FOUND lists what was looked for.
absl::StatusOr<std::vector<std::string>> FindClassNames(const Folder& folder);

}  // namespace bowerbird::annotation
