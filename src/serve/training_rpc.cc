// SPDX-License-Identifier: Apache-2.0
#include "serve/training_rpc.h"

#include "base/status.h"
#include "wire/hub/training.h"

namespace bowerbird::serve {

namespace proto = viam::app::mltraining::v1;

namespace {

constexpr int kPointsOfMessage = 500;

using SendNews = std::function<bool(const v1::WatchTrainingResponse&)>;

// The curve behind `after` in messages of a good size, the last one with the job's status; where it
// ends is put into `after`.
absl::Status SendPoints(const std::vector<jobs::Point>& points, jobs::JobStatus status,
                        int64_t& after, const SendNews& send) {
  v1::WatchTrainingResponse message;
  message.set_status(wire::StatusOnWire(status));
  for (const jobs::Point& point : points) {
    wire::WritePoint(point, *message.add_points());
    after = point.number;
    if (message.points_size() < kPointsOfMessage) continue;
    if (!send(message)) return absl::CancelledError("the client takes no more of the answer");
    message.clear_points();
  }
  if (!send(message)) return absl::CancelledError("the client takes no more of the answer");
  return absl::OkStatus();
}

absl::Status Watch(Call& call, jobs::Jobs& jobs, const data::Caller& caller, const std::string& id,
                   const SendNews& send) {
  int64_t after = 0;
  std::optional<jobs::JobStatus> told;
  for (;;) {
    // The status first: points that come before the end are then among those that are read next.
    ASSIGN_OR_RETURN(const jobs::Job job, jobs.Get(caller, id));
    ASSIGN_OR_RETURN(const auto points, jobs.Curve(caller, id, after));
    if (!points.empty() || told != job.status)
      RETURN_IF_ERROR(SendPoints(points, job.status, after, send));
    told = job.status;
    if (jobs::HasEnded(job.status)) return absl::OkStatus();
    jobs.WaitForNews(call.context());
    RETURN_IF_ERROR(call.context().Check());
  }
}

}  // namespace

MlTrainingRpc::MlTrainingRpc(Admission& admission, const Training& training)
    : RpcService("viam.app.mltraining.v1.MLTrainingService", admission), training_(training) {
  AddChanges();
  AddReading();
  Unary<proto::SubmitCustomTrainingJobRequest, proto::SubmitCustomTrainingJobResponse>(
      "SubmitCustomTrainingJob", [](Call&, const auto&, auto&) -> absl::Status {
        return Unimplemented("training scripts are not run here: use SubmitTrainingJob");
      });
  Unary<proto::ListSupportedContainersRequest, proto::ListSupportedContainersResponse>(
      "ListSupportedContainers", [](Call&, const auto&, auto&) -> absl::Status {
        return Unimplemented("training scripts are not run here, so there are no containers");
      });
}

void MlTrainingRpc::AddChanges() {
  Unary<proto::SubmitTrainingJobRequest, proto::SubmitTrainingJobResponse>(
      "SubmitTrainingJob", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kWrite));
        ASSIGN_OR_RETURN(jobs::NewJob job, wire::ReadNewJob(request));
        ASSIGN_OR_RETURN(*response.mutable_id(), training_.jobs.Submit(caller, std::move(job)));
        return absl::OkStatus();
      });
  Unary<proto::CancelTrainingJobRequest, proto::CancelTrainingJobResponse>(
      "CancelTrainingJob", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kWrite));
        return training_.jobs.Cancel(caller, request.id());
      });
  Unary<proto::DeleteCompletedTrainingJobRequest, proto::DeleteCompletedTrainingJobResponse>(
      "DeleteCompletedTrainingJob", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kWrite));
        return training_.jobs.Delete(caller, request.id());
      });
}

void MlTrainingRpc::AddReading() {
  Unary<proto::GetTrainingJobRequest, proto::GetTrainingJobResponse>(
      "GetTrainingJob", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kRead));
        ASSIGN_OR_RETURN(const jobs::Job job, training_.jobs.Get(caller, request.id()));
        wire::WriteJob(job, *response.mutable_metadata());
        return absl::OkStatus();
      });
  Unary<proto::ListTrainingJobsRequest, proto::ListTrainingJobsResponse>(
      "ListTrainingJobs", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kRead));
        ASSIGN_OR_RETURN(const auto jobs,
                         training_.jobs.List(caller, wire::ReadStatus(request.status())));
        for (const jobs::Job& job : jobs) wire::WriteJob(job, *response.add_jobs());
        return absl::OkStatus();
      });
  Unary<proto::GetTrainingJobLogsRequest, proto::GetTrainingJobLogsResponse>(
      "GetTrainingJobLogs",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kRead));
        ASSIGN_OR_RETURN(const jobs::LogPage page,
                         training_.jobs.Logs(caller, request.id(), request.page_token()));
        for (const jobs::LogEntry& entry : page.entries)
          wire::WriteLogEntry(entry, *response.add_logs());
        response.set_next_page_token(page.next);
        return absl::OkStatus();
      });
}

TrainingRpc::TrainingRpc(Admission& admission, const Training& training)
    : RpcService("bowerbird.v1.TrainingService", admission), training_(training) {
  Unary<v1::SubmitTrainingRequest, v1::SubmitTrainingResponse>(
      "SubmitTraining", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(
            const auto caller,
            training_.access.Enter(call, request.job().organization_id(), Permission::kWrite));
        ASSIGN_OR_RETURN(jobs::NewJob job, wire::ReadNewJob(request.job()));
        job.choices = wire::ReadChoices(request.choices());
        ASSIGN_OR_RETURN(*response.mutable_id(), training_.jobs.Submit(caller, std::move(job)));
        return absl::OkStatus();
      });
  Unary<v1::GetTrainingRequest, v1::GetTrainingResponse>(
      "GetTraining", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kRead));
        ASSIGN_OR_RETURN(const jobs::Job job, training_.jobs.Get(caller, request.id()));
        ASSIGN_OR_RETURN(const auto points, training_.jobs.Curve(caller, request.id()));
        wire::WriteTraining(job, *response.mutable_training());
        for (const jobs::Point& point : points) wire::WritePoint(point, *response.add_curve());
        return absl::OkStatus();
      });
  Unary<v1::FinishTrainingRequest, v1::FinishTrainingResponse>(
      "FinishTraining", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kWrite));
        return training_.jobs.Finish(caller, request.id());
      });
  ServerStream<v1::WatchTrainingRequest, v1::WatchTrainingResponse>(
      "WatchTraining", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, "", Permission::kRead));
        return Watch(call, training_.jobs, caller, request.id(), send);
      });
}

}  // namespace bowerbird::serve
