// SPDX-License-Identifier: Apache-2.0
//
// A trainer's report names pictures by their files; whoever reads it wants to open the items.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::jobs {

// The report with "item" in each of its "mistakes": the id of the item with that content, the first
// of them. `items_path`: items.jsonl of the training set (training_set.h). What is no JSON object,
// and mistakes of pictures that are not listed, stay as they are.
absl::StatusOr<std::string> WithItems(FileSystem& files, const std::string& report,
                                      const std::string& items_path);

// The same for text: the page of the report, a trainer's error. "ab/abcd...", the file of a content
// that is listed, becomes the item's id.
absl::StatusOr<std::string> TextWithItems(FileSystem& files, const std::string& text,
                                          const std::string& items_path);

}  // namespace bowerbird::jobs
