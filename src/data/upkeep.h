// SPDX-License-Identifier: Apache-2.0
//
// Keeping the store in order: checking every file, removing what a policy says is too old or too
// much, removing files that nothing refers to. Thread-safe; runs beside everything else.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "data/filter.h"
#include "data/labels.h"

namespace bowerbird::data {

class Core;

struct VerifyProgress {
  uint64_t checked = 0, total = 0;  // files that items or snapshots refer to
  uint64_t checked_bytes = 0;
  // Since the last report: ids of items whose file is missing or altered (a file that several items
  // share is named for each), and manifests of snapshots.
  std::vector<ItemProblem> problems{};
  // Files that nothing refers to, older than an hour; only in the last report. No loss: an upload
  // that was cut off before it was acknowledged leaves one.
  std::vector<std::string> files_without_item{};
};

struct RetentionPolicy {
  // Items requested before the begin of the UTC day that lies so many days before today.
  std::optional<uint32_t> days{};
  // The oldest beyond so many bytes.
  std::optional<uint64_t> binary_limit_bytes{};
  Filter filter{};
};

struct RetentionResult {
  uint64_t items = 0, bytes = 0;
  uint64_t pinned_items = 0;  // would go, but a snapshot holds them
};

class Upkeep {
 public:
  explicit Upkeep(Core& core);

  // Reads every file and compares its hash (`quick`: only looks whether it is there with its size).
  // `report` is called about every second and once at the end; its error ends the check.
  absl::Status Verify(const Caller& caller, bool quick,
                      const std::function<absl::Status(const VerifyProgress&)>& report);

  absl::StatusOr<RetentionResult> ApplyRetention(const Caller& caller,
                                                 const RetentionPolicy& policy, bool dry_run);

  // Removes files that nothing refers to and that are older than `grace`, so that what an upload is
  // about to name stays. How many there were. FAILED_PRECONDITION, and nothing is removed, where
  // most of the old files are such: they belong to another database than this one, or this one was
  // restored from a backup. CANCELLED: `context`.
  absl::StatusOr<uint64_t> CollectGarbage(std::chrono::seconds grace = std::chrono::hours(1),
                                          const Context& context = {});

 private:
  Core& core_;
};

}  // namespace bowerbird::data
