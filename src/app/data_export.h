// SPDX-License-Identifier: Apache-2.0
//
// Stored items as a folder of files with their annotations, in any format.
//
// Resumable: a picture that is there with its size is not fetched again (data_export_journal.h);
// no file has its name before it is whole. Annotations come in bulk and are written as they come,
// so memory does not grow with them, but for 9 to 18 bytes a picture by which no two get one name.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/problem.h"
#include "app/data/v1/data.pb.h"
#include "app/hub_client.h"

namespace bowerbird::app {

struct ExportOptions {
  std::string directory;
  std::string format = "coco";
  viam::app::data::v1::Filter filter{};
  bool annotations_only = false;  // no pictures
  int parallel = 4;               // pictures at once
};

struct ExportReport {
  uint64_t items = 0;  // that the export names
  uint64_t fetched = 0, kept = 0, bytes = 0;
  std::vector<annotation::Problem> problems;  // the first 1000
  uint64_t problem_count = 0;
  uint64_t skipped = 0;
};

absl::StatusOr<ExportReport> Export(const HubClient& hub, const ExportOptions& options);

}  // namespace bowerbird::app
