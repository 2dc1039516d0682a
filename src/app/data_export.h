// SPDX-License-Identifier: Apache-2.0
//
// Stored items as a folder of files with their annotations, in any format.
//
// Resumable: a picture that is there with its size is not fetched again (a journal in the folder,
// .bowerbird-export, tells which item it is and how large the picture is); no file has its name
// before it is whole.
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
};

struct ExportReport {
  uint64_t fetched = 0, kept = 0, bytes = 0;
  std::vector<annotation::Problem> problems;
  uint64_t skipped = 0;
};

absl::StatusOr<ExportReport> Export(const HubClient& hub, const ExportOptions& options);

}  // namespace bowerbird::app
