// SPDX-License-Identifier: Apache-2.0
//
// Training jobs and models on the wire.
#pragma once

#include "absl/status/statusor.h"
#include "app/mltraining/v1/ml_training.pb.h"
#include "bowerbird/v1/training.pb.h"
#include "jobs/job.h"
#include "registry/registry.h"

namespace bowerbird::wire {

// INVALID_ARGUMENT: a kind of model or a framework that is not made here.
absl::StatusOr<jobs::NewJob> ReadNewJob(
    const viam::app::mltraining::v1::SubmitTrainingJobRequest& message);
jobs::Choices ReadChoices(const v1::TrainingChoices& message);

viam::app::mltraining::v1::TrainingStatus StatusOnWire(jobs::JobStatus status);
// UNSPECIFIED is none.
std::optional<jobs::JobStatus> ReadStatus(viam::app::mltraining::v1::TrainingStatus status);

void WriteJob(const jobs::Job& job, viam::app::mltraining::v1::TrainingJobMetadata& message);
void WriteTraining(const jobs::Job& job, v1::Training& message);
void WriteLogEntry(const jobs::LogEntry& entry,
                   viam::app::mltraining::v1::TrainingJobLogEntry& message);
void WritePoint(const jobs::Point& point, v1::TrainingPoint& message);
void WriteNeighbour(const jobs::Neighbour& neighbour, v1::Neighbour& message);
void WriteModel(const registry::ModelVersion& model, v1::Model& message);

}  // namespace bowerbird::wire
