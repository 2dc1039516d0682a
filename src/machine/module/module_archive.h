// SPDX-License-Identifier: Apache-2.0
//
// Archives of modules (tar.gz), unpacked. What is in them was written by strangers: nothing of it
// may end up outside of the folder, or make something outside of it readable through the folder.
// Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace bowerbird::machine {

struct UnpackLimits {
  size_t max_entries = 100'000;
  uint64_t max_bytes = uint64_t{8} << 30;  // of all files, unpacked
};

// Unpacks `archive` to `folder`, which appears whole or not at all; its parent exists. A folder
// that is there already stays as it is: OK.
//
// Files, folders, and links that stay inside are taken; links are made last. INVALID_ARGUMENT names
// the entry that is refused: an absolute path, "..", a link out, a device, a name twice.
// RESOURCE_EXHAUSTED: more than `limits`.
absl::Status UnpackArchive(const std::string& archive, const std::string& folder,
                           const UnpackLimits& limits = {});

// The hash of a file's bytes, 64 hexadecimal digits.
absl::StatusOr<std::string> HashOfFile(const std::string& path);

}  // namespace bowerbird::machine
