// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/snapshot.h"

#include "base/utf8.h"
#include "wire/hub/annotations.h"
#include "wire/machine/time.h"

namespace bowerbird::wire {

void WriteDataset(const data::Dataset& dataset, viam::app::dataset::v1::Dataset& message) {
  message.set_id(dataset.id);
  message.set_name(Utf8(dataset.name));
  message.set_organization_id(dataset.organization_id);
  *message.mutable_time_created() = ToTimestamp(dataset.time_created);
  message.set_type(dataset.type == data::DatasetType::kSequenceData
                       ? viam::app::dataset::v1::DATASET_TYPE_SEQUENCE_DATA
                       : viam::app::dataset::v1::DATASET_TYPE_BINARY_DATA);
}

data::SplitOptions ReadSplit(const v1::SplitOptions& message) {
  data::SplitOptions split;
  split.seed = message.seed();
  split.validation_fraction = message.validation_fraction();
  split.test_fraction = message.test_fraction();
  split.near_duplicate_bits = message.near_duplicate_bits();
  split.burst_seconds = message.burst_seconds();
  return split;
}

void WriteSnapshot(const data::Snapshot& snapshot, v1::Snapshot& message) {
  message.set_id(snapshot.id);
  message.set_dataset_id(snapshot.dataset_id);
  message.set_name(Utf8(snapshot.name));
  *message.mutable_time_created() = ToTimestamp(snapshot.time_created);
  message.set_item_count(snapshot.item_count);
  message.set_box_count(snapshot.box_count);
  message.set_created_by(Utf8(snapshot.created_by));
  if (!snapshot.split.has_value()) return;
  v1::SplitOptions& split = *message.mutable_split();
  split.set_seed(snapshot.split->seed);
  split.set_validation_fraction(snapshot.split->validation_fraction);
  split.set_test_fraction(snapshot.split->test_fraction);
  split.set_near_duplicate_bits(snapshot.split->near_duplicate_bits);
  split.set_burst_seconds(snapshot.split->burst_seconds);
}

namespace {

v1::SnapshotDifference::Kind KindOf(data::SnapshotDifference::Kind kind) {
  using Kind = data::SnapshotDifference::Kind;
  switch (kind) {
    case Kind::kAdded:
      return v1::SnapshotDifference::KIND_ADDED;
    case Kind::kRemoved:
      return v1::SnapshotDifference::KIND_REMOVED;
    case Kind::kAnnotationChanged:
      return v1::SnapshotDifference::KIND_ANNOTATION_CHANGED;
    case Kind::kSplitChanged:
      return v1::SnapshotDifference::KIND_SPLIT_CHANGED;
  }
  return v1::SnapshotDifference::KIND_UNSPECIFIED;
}

}  // namespace

void WriteDifference(const data::SnapshotDifference& difference, v1::SnapshotDifference& message) {
  message.set_kind(KindOf(difference.kind));
  message.set_item_hash(difference.item_hash);
  message.set_binary_data_id(difference.item_id);
  message.set_from(difference.from);
  message.set_to(difference.to);
}

void WriteCounts(const data::SnapshotDifferenceCounts& counts,
                 v1::SnapshotDifferenceCounts& message) {
  message.set_added(counts.added);
  message.set_removed(counts.removed);
  message.set_annotation_changed(counts.annotation_changed);
  message.set_split_changed(counts.split_changed);
  message.set_unchanged(counts.unchanged);
}

void WriteStatistics(const data::SnapshotStatistics& from, v1::GetStatisticsResponse& message) {
  const annotation::Statistics& statistics = from.statistics;
  message.set_images(statistics.images);
  message.set_unlabeled_images(statistics.unlabeled_images);
  message.set_boxes(statistics.boxes);
  for (const annotation::LabelStatistics& label : statistics.labels) {
    v1::LabelCount& count = *message.add_labels();
    count.set_label(Utf8(label.label));
    count.set_images(label.images);
    count.set_boxes(label.boxes);
  }
  message.set_small_boxes(statistics.small_boxes);
  message.set_medium_boxes(statistics.medium_boxes);
  message.set_large_boxes(statistics.large_boxes);
  auto& splits = *message.mutable_images_of_split();
  splits["train"] = from.training;
  splits["validation"] = from.validation;
  splits["test"] = from.test;
  for (const std::string& remark : statistics.remarks) message.add_remarks(Utf8(remark));
}

void WriteLeaks(const data::LeakReport& report, v1::GetLeakReportResponse& message) {
  message.set_leak_count(report.leak_count);
  for (const data::Leak& leak : report.leaks) {
    v1::Leak& to = *message.add_leaks();
    to.set_binary_data_id(leak.item_id);
    to.set_split(leak.split);
    to.set_other_binary_data_id(leak.other_item_id);
    to.set_other_split(leak.other_split);
    to.set_different_bits(leak.different_bits);
  }
}

void WriteChange(const data::AnnotationChange& change, v1::AnnotationChange& message) {
  message.set_id(change.id);
  *message.mutable_time() = ToTimestamp(change.time);
  message.set_changed_by(Utf8(change.changed_by));
  WriteAnnotations(change.before, *message.mutable_before());
  WriteAnnotations(change.after, *message.mutable_after());
  for (const std::string& tag : change.tags_before) message.add_tags_before(Utf8(tag));
  for (const std::string& tag : change.tags_after) message.add_tags_after(Utf8(tag));
}

void WriteProgress(const data::VerifyProgress& progress, v1::VerifyDataResponse& message) {
  message.set_checked(progress.checked);
  message.set_total(progress.total);
  message.set_checked_bytes(progress.checked_bytes);
  for (const data::ItemProblem& problem : progress.problems) {
    v1::ItemProblem& to = *message.add_problems();
    to.set_binary_data_id(problem.id);
    to.set_message(Utf8(problem.message));
  }
  for (const std::string& file : progress.files_without_item)
    message.add_files_without_item(Utf8(file));
}

}  // namespace bowerbird::wire
