// SPDX-License-Identifier: Apache-2.0
#include "app/train_jobs.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/commands.h"
#include "app/dataset_name.h"
#include "app/hub_client.h"
#include "app/hub_command.h"
#include "app/mltraining/v1/ml_training.pb.h"
#include "app/progress.h"
#include "app/wire_json.h"
#include "base/status.h"
#include "bowerbird/v1/training.pb.h"
#include "google/protobuf/util/time_util.h"

namespace bowerbird::app {
namespace {

namespace proto = viam::app::mltraining::v1;
using google::protobuf::util::TimeUtil;

struct JobOptions {
  HubFlags hub;
  std::string organization_id, id, dataset, name, version, base, status;
  std::vector<std::string> labels;
  proto::ModelType type = proto::MODEL_TYPE_SINGLE_LABEL_CLASSIFICATION;
  double minutes = 0;
  uint64_t seed = 0;
  uint32_t threads = 0, steps = 0;
  bool force = false, int8 = false, wait = false, follow = false, json = false;
};

// "TRAINING_STATUS_IN_PROGRESS" -> "in progress".
std::string NameOf(proto::TrainingStatus status) {
  std::string name = proto::TrainingStatus_Name(status);
  constexpr std::string_view kPrefix = "TRAINING_STATUS_";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  for (char& c : name) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return name;
}

bool HasEnded(proto::TrainingStatus status) {
  return status == proto::TRAINING_STATUS_COMPLETED || status == proto::TRAINING_STATUS_FAILED ||
         status == proto::TRAINING_STATUS_CANCELED;
}

absl::StatusOr<v1::GetTrainingResponse> Get(const HubClient& hub, const std::string& id) {
  v1::GetTrainingRequest request;
  request.set_id(id);
  v1::GetTrainingResponse response;
  RETURN_IF_ERROR(hub.Call("/bowerbird.v1.TrainingService/GetTraining", request, response));
  return response;
}

void PrintJob(const JobOptions& options, const proto::TrainingJobMetadata& job) {
  if (options.json) {
    std::printf("%s\n", JsonOf(job).c_str());
    return;
  }
  std::printf("%s  %-11s  %s  %s %s%s%s\n", job.id().c_str(), NameOf(job.status()).c_str(),
              TimeUtil::ToString(job.created_on()).c_str(), job.model_name().c_str(),
              job.model_version().c_str(), job.has_error_status() ? ": " : "",
              job.error_status().message().c_str());
}

// The end of a job as the end of a command.
absl::Status Outcome(const JobOptions& options, const HubClient& hub, const std::string& id) {
  ASSIGN_OR_RETURN(const auto got, Get(hub, id));
  const proto::TrainingJobMetadata& job = got.training().job();
  PrintJob(options, job);
  if (job.status() == proto::TRAINING_STATUS_COMPLETED) return absl::OkStatus();
  return FailedPrecondition("the training job " + id + " is " + NameOf(job.status()) +
                            (job.has_error_status() ? ": " + job.error_status().message() : ""));
}

void ShowPoint(const v1::TrainingPoint& point) {
  std::fprintf(stderr, "\r\033[K%s", point.phase().c_str());
  if (point.steps() > 0)
    std::fprintf(stderr, " %llu of %llu", static_cast<unsigned long long>(point.step()),
                 static_cast<unsigned long long>(point.steps()));
  if (point.has_loss()) std::fprintf(stderr, ", loss %.3g", point.loss());
  if (point.has_validation_score())
    std::fprintf(stderr, ", score %.1f %%", 100 * point.validation_score());
  if (point.has_seconds_left()) std::fprintf(stderr, ", %.0f s left", point.seconds_left());
}

// A live line until the job has ended. Ctrl-C leaves the job alone.
absl::Status Watch(const JobOptions& options, const HubClient& hub, const std::string& id) {
  v1::WatchTrainingRequest request;
  request.set_id(id);
  const bool live = !options.json && isatty(STDERR_FILENO) != 0;
  CatchInterrupts();
  const std::function<absl::Status(const v1::WatchTrainingResponse&)> take =
      [&](const v1::WatchTrainingResponse& news) -> absl::Status {
    if (options.json) std::printf("%s\n", JsonOf(news).c_str());
    if (live && news.points_size() > 0) ShowPoint(*news.points().rbegin());
    return Interrupted() ? absl::CancelledError("the job goes on: bowerbird train get " + id)
                         : absl::OkStatus();
  };
  const absl::Status watched =
      hub.Read("/bowerbird.v1.TrainingService/WatchTraining", request, take);
  if (live) std::fprintf(stderr, "\r\033[K");
  RETURN_IF_ERROR(watched);
  return Outcome(options, hub, id);
}

absl::Status Submit(const JobOptions& options, const HubClient& hub) {
  v1::SubmitTrainingRequest request;
  proto::SubmitTrainingJobRequest& job = *request.mutable_job();
  job.set_organization_id(options.organization_id);
  if (options.organization_id.empty()) {
    ASSIGN_OR_RETURN(*job.mutable_organization_id(), OwnOrganization(hub));
  }
  ASSIGN_OR_RETURN(*job.mutable_dataset_id(),
                   FindDataset(hub, job.organization_id(), options.dataset));
  job.set_model_name(options.name.empty() ? options.dataset : options.name);
  job.set_model_version(options.version);
  job.set_model_type(options.type);
  job.mutable_tags()->Assign(options.labels.begin(), options.labels.end());
  v1::TrainingChoices& choices = *request.mutable_choices();
  choices.set_force(options.force);
  choices.set_seed(options.seed);
  choices.set_minutes(options.minutes);
  choices.set_base(options.base);
  choices.set_threads(options.threads);
  choices.set_steps(options.steps);
  choices.set_int8(options.int8);
  v1::SubmitTrainingResponse response;
  RETURN_IF_ERROR(hub.Call("/bowerbird.v1.TrainingService/SubmitTraining", request, response));
  if (options.wait) return Watch(options, hub, response.id());
  std::printf("%s\n", options.json ? JsonOf(response).c_str() : response.id().c_str());
  return absl::OkStatus();
}

absl::Status List(const JobOptions& options, const HubClient& hub) {
  proto::ListTrainingJobsRequest request;
  request.set_organization_id(options.organization_id);
  if (options.organization_id.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_organization_id(), OwnOrganization(hub));
  }
  proto::ListTrainingJobsResponse response;
  RETURN_IF_ERROR(
      hub.Call("/viam.app.mltraining.v1.MLTrainingService/ListTrainingJobs", request, response));
  for (const proto::TrainingJobMetadata& job : response.jobs()) {
    if (options.status.empty() || NameOf(job.status()) == options.status) PrintJob(options, job);
  }
  return absl::OkStatus();
}

absl::Status Show(const JobOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(const auto got, Get(hub, options.id));
  if (options.json) {
    std::printf("%s\n", JsonOf(got).c_str());
    return absl::OkStatus();
  }
  PrintJob(options, got.training().job());
  std::printf("snapshot %s\nbase     %s\nseed     %llu\nprogram  %s\n",
              got.training().snapshot_id().c_str(), got.training().base_hash().c_str(),
              static_cast<unsigned long long>(got.training().choices().seed()),
              got.training().program_version().c_str());
  if (got.curve_size() > 0 && !HasEnded(got.training().job().status())) {
    ShowPoint(*got.curve().rbegin());
    std::fprintf(stderr, "\n");
  }
  return absl::OkStatus();
}

// What of a log was printed: `lines` of the page that begins at `token`.
struct LogPlace {
  std::string token;
  int lines = 0;
};

// The rest of the page; whether there is another one behind it.
absl::StatusOr<bool> PrintLog(const JobOptions& options, const HubClient& hub, LogPlace& place) {
  proto::GetTrainingJobLogsRequest request;
  request.set_id(options.id);
  request.set_page_token(place.token);
  proto::GetTrainingJobLogsResponse response;
  RETURN_IF_ERROR(
      hub.Call("/viam.app.mltraining.v1.MLTrainingService/GetTrainingJobLogs", request, response));
  for (int i = place.lines; i < response.logs_size(); ++i) {
    const proto::TrainingJobLogEntry& line = response.logs(i);
    if (options.json) {
      std::printf("%s\n", JsonOf(line).c_str());
    } else {
      std::printf("%s %-5s %s\n", TimeUtil::ToString(line.time()).c_str(), line.level().c_str(),
                  line.message().c_str());
    }
  }
  std::fflush(stdout);
  if (response.next_page_token().empty()) {
    place.lines = response.logs_size();
    return false;
  }
  place = {.token = response.next_page_token(), .lines = 0};
  return true;
}

absl::Status Logs(const JobOptions& options, const HubClient& hub) {
  if (options.follow) CatchInterrupts();
  LogPlace place;
  while (!Interrupted()) {
    // The status first: what is written before the end is then among what is read next.
    ASSIGN_OR_RETURN(const auto got, Get(hub, options.id));
    const bool last = !options.follow || HasEnded(got.training().job().status());
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(more, PrintLog(options, hub, place));
    }
    if (last) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return absl::OkStatus();
}

template <typename Request, typename Response>
absl::Status Act(const JobOptions& options, const HubClient& hub, const char* method) {
  Request request;
  request.set_id(options.id);
  Response response;
  return hub.Call(method, request, response);
}

void AddSubmitFlags(CLI::App& submit, JobOptions& options) {
  submit.add_option("--dataset", options.dataset, "Name or id")->required();
  submit.add_option("--name", options.name, "Of the model; default: the dataset's");
  submit.add_option("--version", options.version, "Of the model; default: the time");
  submit.add_option("--type", options.type, "single, multi or detection")
      ->transform(CLI::CheckedTransformer(std::map<std::string, proto::ModelType>{
          {"single", proto::MODEL_TYPE_SINGLE_LABEL_CLASSIFICATION},
          {"multi", proto::MODEL_TYPE_MULTI_LABEL_CLASSIFICATION},
          {"detection", proto::MODEL_TYPE_OBJECT_DETECTION}}));
  submit.add_option("--labels", options.labels, "To be learnt; default: all")->delimiter(',');
  submit.add_option("--base", options.base, "Name of a base model of the server, or none");
  submit.add_option("--minutes", options.minutes, "Of processor time, at most")
      ->check(CLI::Range(0.0, 10080.0));
  submit.add_option("--steps", options.steps, "Of training, instead of what the time allows");
  submit.add_flag("--int8", options.int8,
                  "Quantise the model, and keep that where it loses at most a point of its score");
  submit.add_option("--seed", options.seed, "Of the split and of the training");
  submit.add_option("--threads", options.threads, "At most");
  submit.add_flag("--force", options.force, "Go on with less than 80 % of the pictures labelled");
  submit.add_flag("--wait", options.wait, "Until the job has ended");
  submit.footer(
      "Example:\n  bowerbird train submit --dataset flowers --type single --minutes 2 --wait");
}

}  // namespace

void RegisterTrainJobs(CLI::App& train, int* exit_status) {
  auto options = std::make_shared<JobOptions>();
  const HubCommands commands{"train", &options->hub, &options->json, exit_status};
  const auto add = [&](const char* name, const char* help, auto run) {
    CLI::App* added =
        AddHubCommand(train, commands, name, help,
                      [options, run](const HubClient& hub) { return run(*options, hub); });
    added->add_option("--org-id", options->organization_id, "Default: the key's");
    return added;
  };
  const auto job = [&](CLI::App* to) {
    to->add_option("id", options->id, "Of the job")->required();
    return to;
  };
  AddSubmitFlags(*add("submit", "Train a model on a dataset", Submit), *options);
  add("list", "The jobs, the newest first", List)
      ->add_option("--status", options->status,
                   "pending, in progress, completed, failed, canceled");
  job(add("get", "Where a job stands", Show));
  job(add("watch", "A live line until a job has ended",
          [](const JobOptions& o, const HubClient& hub) { return Watch(o, hub, o.id); }));
  job(add("logs", "What a job wrote", Logs))
      ->add_flag("-f,--follow", options->follow, "Until it has ended");
  job(add("cancel", "End a job without a model", [](const JobOptions& o, const HubClient& hub) {
    return Act<proto::CancelTrainingJobRequest, proto::CancelTrainingJobResponse>(
        o, hub, "/viam.app.mltraining.v1.MLTrainingService/CancelTrainingJob");
  }));
  job(add("finish", "End a job with what it has", [](const JobOptions& o, const HubClient& hub) {
    return Act<v1::FinishTrainingRequest, v1::FinishTrainingResponse>(
        o, hub, "/bowerbird.v1.TrainingService/FinishTraining");
  }));
  job(add("delete", "Forget a job that has ended", [](const JobOptions& o, const HubClient& hub) {
    return Act<proto::DeleteCompletedTrainingJobRequest, proto::DeleteCompletedTrainingJobResponse>(
        o, hub, "/viam.app.mltraining.v1.MLTrainingService/DeleteCompletedTrainingJob");
  }));
}

}  // namespace bowerbird::app
