// SPDX-License-Identifier: Apache-2.0
//
// Datasets, snapshots and the history of annotations on the wire.
#pragma once

#include <optional>

#include "app/dataset/v1/dataset.pb.h"
#include "bowerbird/v1/dataset.pb.h"
#include "data/datasets.h"
#include "data/labels.h"
#include "data/snapshots.h"
#include "data/upkeep.h"

namespace bowerbird::wire {

void WriteDataset(const data::Dataset& dataset, viam::app::dataset::v1::Dataset& message);

data::SplitOptions ReadSplit(const v1::SplitOptions& message);
void WriteSnapshot(const data::Snapshot& snapshot, v1::Snapshot& message);
void WriteDifference(const data::SnapshotDifference& difference, v1::SnapshotDifference& message);
void WriteCounts(const data::SnapshotDifferenceCounts& counts,
                 v1::SnapshotDifferenceCounts& message);
void WriteStatistics(const data::SnapshotStatistics& statistics,
                     v1::GetStatisticsResponse& message);
void WriteLeaks(const data::LeakReport& report, v1::GetLeakReportResponse& message);
void WriteChange(const data::AnnotationChange& change, v1::AnnotationChange& message);
void WriteProgress(const data::VerifyProgress& progress, v1::VerifyDataResponse& message);

}  // namespace bowerbird::wire
