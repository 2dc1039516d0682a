// SPDX-License-Identifier: Apache-2.0
//
// States of datasets that hold still.
//
// A snapshot is a manifest (docs/formats/snapshot.md): for each item the hash of its content, the
// hash of its annotations and its side of the split. Its id is the SHA-256 of the manifest, so the
// same state has the same id on every machine. Its items are pinned: neither retention nor deletion
// by filter takes them. Thread-safe, durable on return; nothing changes a snapshot once it is made.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/statistics.h"
#include "data/caller.h"
#include "store/blobs.h"

namespace bowerbird::data {

class Core;
class Previews;

struct SplitOptions {
  uint64_t seed = 0;
  double validation_fraction = 0;  // 0..1
  double test_fraction = 0;        // 0..1; together at most 1
  // Pictures whose perceptual hashes differ in at most so many of 64 bits stay on one side.
  uint32_t near_duplicate_bits = 0;
  // Items of one part and component captured within so many seconds stay on one side.
  double burst_seconds = 0;
};

struct Snapshot {
  std::string id{};  // 64 hex digits
  std::string dataset_id{};
  std::string name{};
  Time time_created{};
  uint64_t item_count = 0;
  uint64_t box_count = 0;
  std::optional<SplitOptions> split{};  // none: every item is for training
  std::string created_by{};
};

struct CreatedSnapshot {
  Snapshot snapshot{};
  bool existed = false;
};

struct SnapshotDifference {
  enum class Kind { kAdded, kRemoved, kAnnotationChanged, kSplitChanged };
  Kind kind = Kind::kAdded;
  std::string item_hash{};
  std::string item_id{};     // empty where no item has that content any more
  std::string from{}, to{};  // annotation hashes, or "train", "validation", "test"
};

struct SnapshotDifferenceCounts {
  uint64_t added = 0, removed = 0, annotation_changed = 0, split_changed = 0, unchanged = 0;
};

struct RestoreResult {
  uint64_t items_added = 0, items_removed = 0, annotations_changed = 0;
};

struct SnapshotStatistics {
  annotation::Statistics statistics{};
  uint64_t training = 0, validation = 0, test = 0;  // items; of a dataset all are for training
};

struct Leak {
  std::string item_id{}, split{};
  std::string other_item_id{}, other_split{};
  uint32_t different_bits = 0;
};

struct LeakReport {
  std::vector<Leak> leaks{};  // up to 1000
  uint64_t leak_count = 0;
};

class Snapshots {
 public:
  Snapshots(Core& core, Previews& previews);

  // A state that has a snapshot already answers with that one.
  absl::StatusOr<CreatedSnapshot> Create(const Caller& caller, const std::string& dataset_id,
                                         const std::string& name,
                                         const std::optional<SplitOptions>& split);
  // Newest first.
  absl::StatusOr<std::vector<Snapshot>> List(const Caller& caller, const std::string& dataset_id);
  // By its id or by a beginning of it, at least 8 digits, that only one snapshot has.
  absl::StatusOr<Snapshot> Get(const Caller& caller, const std::string& id);
  absl::Status Delete(const Caller& caller, const std::string& id);
  absl::StatusOr<std::unique_ptr<store::BlobReader>> Manifest(const Caller& caller,
                                                              const std::string& id);

  // The counts first, then every difference in the order of the items' hashes, in bounded memory.
  absl::Status Diff(const Caller& caller, const std::string& from_id, const std::string& to_id,
                    const std::function<absl::Status(const SnapshotDifferenceCounts&)>& counts,
                    const std::function<absl::Status(const SnapshotDifference&)>& difference);
  // Makes a dataset what it was: membership and annotations (boxes, classifications and tags) of
  // the very same items. "" = the snapshot's own dataset.
  absl::StatusOr<RestoreResult> Restore(const Caller& caller, const std::string& id,
                                        const std::string& dataset_id);

  // Of a snapshot, or of a dataset as it is now.
  absl::StatusOr<SnapshotStatistics> StatisticsOfSnapshot(const Caller& caller,
                                                          const std::string& id);
  absl::StatusOr<SnapshotStatistics> StatisticsOfDataset(const Caller& caller,
                                                         const std::string& dataset_id);
  // Near-duplicates that the split put on different sides.
  absl::StatusOr<LeakReport> Leaks(const Caller& caller, const std::string& id,
                                   uint32_t near_duplicate_bits);

 private:
  Core& core_;
  Previews& previews_;
};

}  // namespace bowerbird::data
