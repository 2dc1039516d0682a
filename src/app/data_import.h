// SPDX-License-Identifier: Apache-2.0
//
// A folder of pictures with their annotations, sent to a hub.
//
// Idempotent: what is sent depends on the files alone (content, name, time of modification), by
// which the hub knows an item again. So a run that was cut off is made good by the same run again,
// and what the files say meanwhile about pictures that are there already is changed there.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/problem.h"
#include "app/hub_client.h"

namespace bowerbird::app {

struct ImportOptions {
  std::string directory;
  std::string format = "auto";  // a name of annotation::Formats(), or "auto"
  std::string pictures{};       // see annotation::ReaderOptions
  std::string part_id{};        // "": the main part of the first machine
  std::vector<std::string> tags{}, dataset_ids{};
  int parallel = 8;          // uploads at once
  bool keep_labels = false;  // of items that are there already
  // Goes on with what comes into the folder until the program is interrupted. A hub that is gone is
  // waited for.
  bool follow = false;
};

struct ImportReport {
  std::string format;
  uint64_t sent = 0, bytes = 0;
  uint64_t added = 0, changed = 0, unchanged = 0;  // of what was sent
  std::vector<annotation::Problem> problems;       // every file skipped, and why; the first 10,000
  uint64_t problem_count = 0;
  uint64_t skipped = 0;  // files and pictures among the problems
};

// An error ends the import: the server is gone, the dataset as a whole cannot be read, a file that
// is meant to be annotations is damaged and no format was named, Ctrl-C (CANCELLED). What was sent
// until then stays. With `follow`, Ctrl-C is how it ends.
absl::StatusOr<ImportReport> Import(const HubClient& hub, const ImportOptions& options);

}  // namespace bowerbird::app
