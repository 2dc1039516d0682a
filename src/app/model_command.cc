// SPDX-License-Identifier: Apache-2.0
//
// bowerbird model list | pull | lineage | delete (and model_neighbours.h): the models that a hub
// keeps.
#include <filesystem>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/hub_client.h"
#include "app/hub_command.h"
#include "app/model_neighbours.h"
#include "app/wire_json.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/status.h"
#include "bowerbird/v1/training.pb.h"
#include "google/protobuf/util/time_util.h"

namespace bowerbird::app {
namespace {

using google::protobuf::util::TimeUtil;

struct ModelOptions {
  HubFlags hub;
  std::string organization_id, name, version, out;
  bool json = false;
};

template <typename Request>
absl::StatusOr<Request> RequestFor(const ModelOptions& options, const HubClient& hub) {
  Request request;
  request.set_organization_id(options.organization_id);
  if (options.organization_id.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_organization_id(), OwnOrganization(hub));
  }
  request.set_name(options.name);
  return request;
}

absl::Status List(const ModelOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(const auto request, RequestFor<v1::ListModelsRequest>(options, hub));
  v1::ListModelsResponse response;
  RETURN_IF_ERROR(hub.Call("/bowerbird.v1.ModelService/ListModels", request, response));
  for (const v1::Model& model : response.models()) {
    if (options.json) {
      std::printf("%s\n", JsonOf(model).c_str());
      continue;
    }
    uint64_t bytes = 0;
    for (const v1::ModelFile& file : model.files()) bytes += file.size();
    std::printf("%-24s %-22s %8.1f MB  %s  %d labels\n", model.name().c_str(),
                model.version().c_str(), static_cast<double>(bytes) / 1e6,
                TimeUtil::ToString(model.time_created()).c_str(), model.labels_size());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Model> Get(const ModelOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(auto request, RequestFor<v1::GetModelRequest>(options, hub));
  request.set_version(options.version);
  v1::GetModelResponse response;
  RETURN_IF_ERROR(hub.Call("/bowerbird.v1.ModelService/GetModel", request, response));
  return response.model();
}

// The file of a version at `path`, whole and as it was registered, or not there.
absl::Status PullFile(const HubClient& hub, const v1::Model& model, const v1::ModelFile& file,
                      const std::string& path) {
  v1::ReadModelFileRequest request;
  request.set_organization_id(model.organization_id());
  request.set_name(model.name());
  request.set_version(model.version());
  request.set_file(file.name());
  const auto files = MakeFileSystem();
  const std::string part = path + ".part";
  ASSIGN_OR_RETURN(const auto to, files->OpenForWriting(part, WriteMode::kTruncate));
  Sha256 hash;
  const std::function<absl::Status(const v1::ReadModelFileResponse&)> take =
      [&](const v1::ReadModelFileResponse& piece) {
        hash.Update(piece.data());
        return to->Append(piece.data());
      };
  absl::Status status = hub.Read("/bowerbird.v1.ModelService/ReadModelFile", request, take);
  if (status.ok() && HexOf(hash.Finish()) != file.sha256())
    status = absl::DataLossError("what came of " + file.name() +
                                 " is not what was registered: pull it again");
  if (status.ok()) status = to->Sync();
  if (status.ok()) status = to->Close();
  if (status.ok()) return files->Rename(part, path);
  static_cast<void>(files->Remove(part).ok());
  return Annotate(status, path);
}

absl::Status Pull(const ModelOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(const v1::Model model, Get(options, hub));
  const std::string out = options.out.empty() ? model.name() : options.out;
  const auto files = MakeFileSystem();
  RETURN_IF_ERROR(files->MakeDirectories(out, 0777));
  for (const v1::ModelFile& file : model.files()) {
    // The server's word for a name of a file in our folder.
    if (file.name().empty() || file.name().front() == '.' ||
        file.name().find('/') != std::string::npos)
      return InvalidArgument("the server names a file '" + file.name() +
                             "', which is no file name");
    RETURN_IF_ERROR(PullFile(hub, model, file, out + "/" + file.name()));
  }
  RETURN_IF_ERROR(files->SyncDirectory(out));
  std::printf("%s\n", options.json ? JsonOf(model).c_str()
                                   : (out + ": " + model.name() + " " + model.version()).c_str());
  return absl::OkStatus();
}

absl::Status Lineage(const ModelOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(auto request, RequestFor<v1::GetLineageRequest>(options, hub));
  request.set_version(options.version);
  const std::function<absl::Status(const v1::GetLineageResponse&)> take =
      [&](const v1::GetLineageResponse& part) {
        if (options.json) {
          std::printf("%s\n", JsonOf(part).c_str());
          return absl::OkStatus();
        }
        if (part.has_model())
          std::printf("%s %s\njob       %s\nsnapshot  %s\n", part.model().name().c_str(),
                      part.model().version().c_str(), part.model().training_job_id().c_str(),
                      part.model().snapshot_id().c_str());
        for (const v1::LineageItem& item : part.items())
          std::printf("%-10s %s\n", item.split().c_str(), item.binary_data_id().c_str());
        return absl::OkStatus();
      };
  return hub.Read("/bowerbird.v1.ModelService/GetLineage", request, take);
}

absl::Status Delete(const ModelOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(auto request, RequestFor<v1::DeleteModelRequest>(options, hub));
  request.set_version(options.version);
  v1::DeleteModelResponse response;
  return hub.Call("/bowerbird.v1.ModelService/DeleteModel", request, response);
}

}  // namespace

CLI::App* RegisterModel(CLI::App& app, int* exit_status) {
  auto options = std::make_shared<ModelOptions>();
  CLI::App* model = app.add_subcommand("model", "Models that were trained");
  model->require_subcommand(1);
  const HubCommands commands{"model", &options->hub, &options->json, exit_status};
  const auto add = [&](const char* name, const char* help, auto run) {
    CLI::App* added =
        AddHubCommand(*model, commands, name, help,
                      [options, run](const HubClient& hub) { return run(*options, hub); });
    added->add_option("--org-id", options->organization_id, "Default: the key's");
    return added;
  };
  const auto named = [&](CLI::App* to) {
    to->add_option("name", options->name, "Of the model")->required();
    return to;
  };
  const auto versioned = [&](CLI::App* to) {
    named(to)->add_option("--version", options->version, "Default: the newest");
    return to;
  };
  add("list", "Every version, by name, the newest first", List)
      ->add_option("name", options->name, "Of this model only");
  CLI::App* pull = versioned(add("pull", "Download a version", Pull));
  pull->add_option("--out", options->out, "The folder; default: the model's name");
  pull->footer("Example:\n  bowerbird model pull flowers --version v3 --out flowers-v3");
  versioned(add("lineage", "The job, the snapshot and every item behind a version", Lineage));
  named(add("delete", "Delete a version", Delete))
      ->add_option("--version", options->version)
      ->required();
  RegisterModelNeighbours(*model, exit_status);
  return model;
}

}  // namespace bowerbird::app
