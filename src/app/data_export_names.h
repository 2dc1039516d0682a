// SPDX-License-Identifier: Apache-2.0
//
// What pictures are called in an export: as they were where that is a path that every format and
// file system takes, else by their ids. Names come from whoever uploaded.
#pragma once

#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"

namespace bowerbird::app {

struct ExportedFile {
  std::string_view id;         // "ORGANIZATION/LOCATION/FILE"
  std::string_view name;       // as it was uploaded; may be anything
  std::string_view extension;  // ".png"; may be empty
};

class ExportNames {
 public:
  // A relative path with slashes that leads nowhere else, another one each time. No part is longer
  // than 200 bytes, so that a format may add to it. The same for the same files in the same order.
  std::string NameOf(const ExportedFile& file);

 private:
  absl::flat_hash_set<size_t> used_;
};

}  // namespace bowerbird::app
