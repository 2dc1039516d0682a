// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/training.h"

#include "base/status.h"
#include "wire/machine/time.h"

namespace bowerbird::wire {

namespace proto = viam::app::mltraining::v1;
using registry::ModelTask;

namespace {

// Both enumerations have the same numbers, which are fixed.
proto::ModelType TypeOf(ModelTask task) {
  static_assert(static_cast<int>(ModelTask::kDetection) == proto::MODEL_TYPE_OBJECT_DETECTION);
  static_assert(static_cast<int>(ModelTask::kSingleLabel) ==
                proto::MODEL_TYPE_SINGLE_LABEL_CLASSIFICATION);
  static_assert(static_cast<int>(ModelTask::kMultiLabel) ==
                proto::MODEL_TYPE_MULTI_LABEL_CLASSIFICATION);
  return static_cast<proto::ModelType>(task);
}

}  // namespace

absl::StatusOr<jobs::NewJob> ReadNewJob(const proto::SubmitTrainingJobRequest& message) {
  if (message.model_type() < proto::MODEL_TYPE_SINGLE_LABEL_CLASSIFICATION ||
      message.model_type() > proto::MODEL_TYPE_OBJECT_DETECTION)
    return InvalidArgument(
        "a training job needs a model type: single label, multi label or "
        "object detection");
  if (message.model_framework() != proto::MODEL_FRAMEWORK_UNSPECIFIED &&
      message.model_framework() != proto::MODEL_FRAMEWORK_TFLITE)
    return InvalidArgument("models are made for TensorFlow Lite here: choose the framework TFLITE");
  return jobs::NewJob{.dataset_id = message.dataset_id(),
                      .model_name = message.model_name(),
                      .model_version = message.model_version(),
                      .task = static_cast<ModelTask>(message.model_type()),
                      .labels = {message.tags().begin(), message.tags().end()},
                      .choices = {}};
}

jobs::Choices ReadChoices(const v1::TrainingChoices& message) {
  return {.force = message.force(),
          .seed = message.seed(),
          .minutes = message.minutes(),
          .base = message.base(),
          .steps = message.steps(),
          .threads = message.threads(),
          .int8 = message.int8()};
}

proto::TrainingStatus StatusOnWire(jobs::JobStatus status) {
  switch (status) {
    case jobs::JobStatus::kPending:
      return proto::TRAINING_STATUS_PENDING;
    case jobs::JobStatus::kInProgress:
      return proto::TRAINING_STATUS_IN_PROGRESS;
    case jobs::JobStatus::kCompleted:
      return proto::TRAINING_STATUS_COMPLETED;
    case jobs::JobStatus::kFailed:
      return proto::TRAINING_STATUS_FAILED;
    case jobs::JobStatus::kCanceled:
      return proto::TRAINING_STATUS_CANCELED;
    case jobs::JobStatus::kCanceling:
      return proto::TRAINING_STATUS_CANCELING;
  }
  return proto::TRAINING_STATUS_UNSPECIFIED;
}

std::optional<jobs::JobStatus> ReadStatus(proto::TrainingStatus status) {
  for (const jobs::JobStatus one :
       {jobs::JobStatus::kPending, jobs::JobStatus::kInProgress, jobs::JobStatus::kCompleted,
        jobs::JobStatus::kFailed, jobs::JobStatus::kCanceled, jobs::JobStatus::kCanceling}) {
    if (StatusOnWire(one) == status) return one;
  }
  return std::nullopt;
}

void WriteJob(const jobs::Job& job, proto::TrainingJobMetadata& message) {
  message.set_id(job.id);
  message.set_dataset_id(job.request.dataset_id);
  message.set_organization_id(job.organization_id);
  message.set_model_name(job.request.model_name);
  message.set_model_version(job.request.model_version);
  message.set_model_type(TypeOf(job.request.task));
  message.set_model_framework(proto::MODEL_FRAMEWORK_TFLITE);
  message.mutable_tags()->Assign(job.request.labels.begin(), job.request.labels.end());
  message.set_status(StatusOnWire(job.status));
  if (job.status == jobs::JobStatus::kFailed) {
    message.mutable_error_status()->set_code(static_cast<int>(job.error_code));
    message.mutable_error_status()->set_message(job.error);
  }
  *message.mutable_created_on() = ToTimestamp(job.created);
  *message.mutable_last_modified() = ToTimestamp(job.modified);
  if (job.started.has_value()) *message.mutable_training_started() = ToTimestamp(*job.started);
  if (job.ended.has_value()) *message.mutable_training_ended() = ToTimestamp(*job.ended);
  if (job.status == jobs::JobStatus::kCompleted)
    message.set_synced_model_id(job.organization_id + "/" + job.request.model_name);
}

void WriteTraining(const jobs::Job& job, v1::Training& message) {
  WriteJob(job, *message.mutable_job());
  const jobs::Choices& choices = job.request.choices;
  v1::TrainingChoices& made = *message.mutable_choices();
  made.set_force(choices.force);
  made.set_seed(choices.seed);
  made.set_minutes(choices.minutes);
  made.set_base(choices.base);
  made.set_steps(choices.steps);
  made.set_threads(choices.threads);
  made.set_int8(choices.int8);
  message.set_snapshot_id(job.snapshot_id);
  message.set_program_version(job.program_version);
  message.set_base_hash(job.base_hash);
  message.set_starts(job.starts);
  message.set_report_json(job.report);
}

void WriteLogEntry(const jobs::LogEntry& entry, proto::TrainingJobLogEntry& message) {
  message.set_level(entry.level);
  *message.mutable_time() = ToTimestamp(entry.time);
  message.set_message(entry.message);
}

void WritePoint(const jobs::Point& point, v1::TrainingPoint& message) {
  *message.mutable_time() = ToTimestamp(point.time);
  message.set_phase(point.phase);
  message.set_step(point.step);
  message.set_steps(point.steps);
  if (point.loss.has_value()) message.set_loss(*point.loss);
  if (point.score.has_value()) message.set_validation_score(*point.score);
  if (point.seconds_left.has_value()) message.set_seconds_left(*point.seconds_left);
}

void WriteNeighbour(const jobs::Neighbour& neighbour, v1::Neighbour& message) {
  for (const jobs::Neighbour::Item& item : neighbour.items) {
    v1::Neighbour::Item& one = *message.add_items();
    one.set_binary_data_id(item.id);
    one.set_deleted(item.deleted);
  }
  message.set_sha256(neighbour.hash);
  message.mutable_labels()->Assign(neighbour.labels.begin(), neighbour.labels.end());
  message.set_distance(neighbour.distance);
}

void WriteModel(const registry::ModelVersion& model, v1::Model& message) {
  message.set_id(model.organization_id + "/" + model.name);
  message.set_organization_id(model.organization_id);
  message.set_name(model.name);
  message.set_version(model.version);
  *message.mutable_time_created() = ToTimestamp(model.created);
  message.set_model_type(TypeOf(model.task));
  message.mutable_labels()->Assign(model.labels.begin(), model.labels.end());
  for (const registry::ModelFile& file : model.files) {
    v1::ModelFile& one = *message.add_files();
    one.set_name(file.name);
    one.set_size(file.size);
    one.set_sha256(file.hash);
  }
  message.set_card_json(model.card);
  message.set_training_job_id(model.job_id);
  message.set_snapshot_id(model.snapshot_id);
}

}  // namespace bowerbird::wire
