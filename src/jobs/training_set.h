// SPDX-License-Identifier: Apache-2.0
//
// What a trainer learns from: the items of a snapshot as a dataset in JSON Lines
// (docs/data-formats.md) in the job's folder. Written once, when the job is made; durable on
// return.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "data/items.h"
#include "data/snapshots.h"
#include "jobs/job.h"

namespace bowerbird::jobs {

struct TrainingSetOptions {
  data::Items& items;
  data::Snapshots& snapshots;
  FileSystem& files;
  // Where stored files lie as ab/abcdef…, by their hash; "" where they are no files of this
  // machine: then copies are made in FOLDER/pictures.
  std::string blob_folder{};
};

struct TrainingSetCounts {
  uint64_t items = 0;
  uint64_t labeled = 0;  // with a label that was asked for
};

// Writes FOLDER/dataset.jsonl, whose pictures are relative to PictureFolder(), and
// FOLDER/items.jsonl for the model's lineage. ABORTED: the dataset was changed since the snapshot
// was made.
absl::StatusOr<TrainingSetCounts> WriteTrainingSet(const TrainingSetOptions& options,
                                                   const data::Caller& caller,
                                                   const data::Snapshot& snapshot,
                                                   const NewJob& request,
                                                   const std::string& folder);

// Where the trainer finds the pictures.
std::string PictureFolder(const std::string& blob_folder, const std::string& folder);

// What the platform asks of a dataset. FAILED_PRECONDITION says what is missing.
absl::Status CheckTrainable(const TrainingSetCounts& counts, const NewJob& request);

}  // namespace bowerbird::jobs
