// SPDX-License-Identifier: Apache-2.0
//
// bowerbird dataset create | list | rename | delete | merge | add | remove | import | export |
// snapshot | diff | restore.
#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/dataset/v1/dataset.pb.h"
#include "app/dataset_name.h"
#include "app/hub_client.h"
#include "app/hub_command.h"
#include "app/item_filter.h"
#include "base/status.h"
#include "bowerbird/v1/dataset.pb.h"
#include "google/protobuf/util/time_util.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

namespace sets = viam::app::dataset::v1;
namespace data = viam::app::data::v1;
using Json = nlohmann::json;

// Of one call that names items.
constexpr size_t kIdsOfCall = 500;

struct DatasetOptions {
  HubFlags hub;
  ItemFilterFlags items;
  ImportOptions import;
  ExportOptions export_to;
  std::string organization_id, id, name, from, to;
  std::vector<std::string> ids;
  double validation = 0.2, test = 0, burst_seconds = 0;
  uint64_t seed = 0;
  uint32_t near_duplicate_bits = 0;
  bool json = false, yes = false;
};

void Print(const DatasetOptions& options, const Json& json, const std::string& text) {
  std::printf("%s\n", options.json ? json.dump().c_str() : text.c_str());
}

absl::StatusOr<std::string> OrganizationOf(const DatasetOptions& options, const HubClient& hub) {
  if (!options.organization_id.empty()) return options.organization_id;
  return OwnOrganization(hub);
}

// A dataset may be called by its name or its id.
absl::StatusOr<std::string> IdOf(const DatasetOptions& options, const HubClient& hub,
                                 const std::string& wanted) {
  return FindDataset(hub, options.organization_id, wanted);
}

absl::StatusOr<std::string> Make(const DatasetOptions& options, const HubClient& hub,
                                 const std::string& name) {
  sets::CreateDatasetRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(*request.mutable_organization_id(), OrganizationOf(options, hub));
  sets::CreateDatasetResponse response;
  RETURN_IF_ERROR(hub.Call("/viam.app.dataset.v1.DatasetService/CreateDataset", request, response));
  return response.id();
}

absl::Status Create(const DatasetOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(const std::string id, Make(options, hub, options.name));
  Print(options, {{"id", id}, {"name", options.name}},
        "Created dataset " + options.name + " with dataset ID: " + id);
  return absl::OkStatus();
}

absl::Status List(const DatasetOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(const auto all, ListDatasets(hub, options.organization_id));
  for (const sets::Dataset& dataset : all.datasets()) {
    const std::string created = google::protobuf::util::TimeUtil::ToString(dataset.time_created());
    Print(options, {{"id", dataset.id()}, {"name", dataset.name()}, {"created", created}},
          dataset.id() + "  " + created + "  " + dataset.name());
  }
  return absl::OkStatus();
}

absl::Status Rename(const DatasetOptions& options, const HubClient& hub) {
  sets::RenameDatasetRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), IdOf(options, hub, options.id));
  request.set_name(options.name);
  sets::RenameDatasetResponse response;
  return hub.Call("/viam.app.dataset.v1.DatasetService/RenameDataset", request, response);
}

absl::Status Delete(const DatasetOptions& options, const HubClient& hub) {
  sets::DeleteDatasetRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), IdOf(options, hub, options.id));
  sets::DeleteDatasetResponse response;
  return hub.Call("/viam.app.dataset.v1.DatasetService/DeleteDataset", request, response);
}

absl::Status Merge(const DatasetOptions& options, const HubClient& hub) {
  sets::MergeDatasetsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_organization_id(), OrganizationOf(options, hub));
  for (const std::string& one : options.ids) {
    ASSIGN_OR_RETURN(*request.add_dataset_ids(), IdOf(options, hub, one));
  }
  request.set_name(options.name);
  sets::MergeDatasetsResponse response;
  RETURN_IF_ERROR(hub.Call("/viam.app.dataset.v1.DatasetService/MergeDatasets", request, response));
  Print(options, {{"id", response.dataset_id()}, {"name", options.name}}, response.dataset_id());
  return absl::OkStatus();
}

absl::Status Change(const HubClient& hub, const std::string& dataset, bool add,
                    const std::vector<std::string>& ids) {
  if (add) {
    data::AddBinaryDataToDatasetByIDsRequest request;
    request.mutable_binary_data_ids()->Assign(ids.begin(), ids.end());
    request.set_dataset_id(dataset);
    data::AddBinaryDataToDatasetByIDsResponse response;
    return hub.Call("/viam.app.data.v1.DataService/AddBinaryDataToDatasetByIDs", request, response);
  }
  data::RemoveBinaryDataFromDatasetByIDsRequest request;
  request.mutable_binary_data_ids()->Assign(ids.begin(), ids.end());
  request.set_dataset_id(dataset);
  data::RemoveBinaryDataFromDatasetByIDsResponse response;
  return hub.Call("/viam.app.data.v1.DataService/RemoveBinaryDataFromDatasetByIDs", request,
                  response);
}

absl::Status ChangeMembers(const DatasetOptions& options, const HubClient& hub, bool add) {
  if (IsEmpty(options.items))
    return InvalidArgument("choose items: with --binary-data-ids, or with a filter");
  ASSIGN_OR_RETURN(const std::string dataset, IdOf(options, hub, options.id));
  std::vector<std::string> ids = options.items.ids;
  if (ids.empty()) {
    // All of them first: what is removed from the dataset that the filter names moves the rest.
    ASSIGN_OR_RETURN(const data::Filter filter, MakeFilter(options.items));
    RETURN_IF_ERROR(ForEachItem(hub, filter, [&](const data::BinaryMetadata& item) {
      ids.push_back(item.binary_data_id());
      return absl::OkStatus();
    }));
  }
  for (size_t at = 0; at < ids.size(); at += kIdsOfCall) {
    const size_t end = std::min(ids.size(), at + kIdsOfCall);
    RETURN_IF_ERROR(Change(hub, dataset, add,
                           {ids.begin() + static_cast<std::ptrdiff_t>(at),
                            ids.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  Print(options, {{"items", ids.size()}, {"dataset_id", dataset}},
        std::to_string(ids.size()) + (add ? " added" : " removed"));
  return absl::OkStatus();
}

// Into a dataset of that name, which is made if it is missing.
absl::Status ImportInto(const DatasetOptions& options, const HubClient& hub) {
  auto id = IdOf(options, hub, options.id);
  if (absl::IsNotFound(id.status())) id = Make(options, hub, options.id);
  RETURN_IF_ERROR(id.status());
  ImportOptions import = options.import;
  import.dataset_ids = {*id};
  return RunImport(hub, import, options.json);
}

absl::Status ExportFrom(const DatasetOptions& options, const HubClient& hub) {
  ItemFilterFlags items;
  ASSIGN_OR_RETURN(items.dataset_id, IdOf(options, hub, options.id));
  return RunExport(hub, items, options.export_to, options.json);
}

absl::Status Snapshot(const DatasetOptions& options, const HubClient& hub) {
  bowerbird::v1::CreateSnapshotRequest request;
  ASSIGN_OR_RETURN(*request.mutable_dataset_id(), IdOf(options, hub, options.id));
  request.set_name(options.name);
  auto& split = *request.mutable_split();
  split.set_seed(options.seed);
  split.set_validation_fraction(options.validation);
  split.set_test_fraction(options.test);
  split.set_near_duplicate_bits(options.near_duplicate_bits);
  split.set_burst_seconds(options.burst_seconds);
  bowerbird::v1::CreateSnapshotResponse response;
  RETURN_IF_ERROR(hub.Call("/bowerbird.v1.SnapshotService/CreateSnapshot", request, response));
  Print(options,
        {{"id", response.snapshot().id()},
         {"items", response.snapshot().item_count()},
         {"boxes", response.snapshot().box_count()},
         {"existed", response.existed()}},
        response.snapshot().id());
  return absl::OkStatus();
}

std::string KindName(bowerbird::v1::SnapshotDifference::Kind kind) {
  switch (kind) {
    case bowerbird::v1::SnapshotDifference::KIND_ADDED:
      return "added";
    case bowerbird::v1::SnapshotDifference::KIND_REMOVED:
      return "removed";
    case bowerbird::v1::SnapshotDifference::KIND_ANNOTATION_CHANGED:
      return "annotation changed";
    case bowerbird::v1::SnapshotDifference::KIND_SPLIT_CHANGED:
      return "split changed";
    default:
      return "changed";
  }
}

absl::Status Diff(const DatasetOptions& options, const HubClient& hub) {
  bowerbird::v1::DiffSnapshotsRequest request;
  request.set_from_id(options.from);
  request.set_to_id(options.to);
  return hub.Read<bowerbird::v1::DiffSnapshotsResponse>(
      "/bowerbird.v1.SnapshotService/DiffSnapshots", request,
      [&](const bowerbird::v1::DiffSnapshotsResponse& response) {
        if (response.has_counts()) {
          const auto& counts = response.counts();
          Print(options,
                {{"added", counts.added()},
                 {"removed", counts.removed()},
                 {"annotation_changed", counts.annotation_changed()},
                 {"split_changed", counts.split_changed()},
                 {"unchanged", counts.unchanged()}},
                std::to_string(counts.added()) + " added, " + std::to_string(counts.removed()) +
                    " removed, " + std::to_string(counts.annotation_changed()) +
                    " with other annotations, " + std::to_string(counts.split_changed()) +
                    " on another side, " + std::to_string(counts.unchanged()) + " unchanged");
        }
        for (const auto& difference : response.differences()) {
          Print(options,
                {{"kind", KindName(difference.kind())},
                 {"item_hash", difference.item_hash()},
                 {"binary_data_id", difference.binary_data_id()},
                 {"from", difference.from()},
                 {"to", difference.to()}},
                KindName(difference.kind()) + "  " + difference.item_hash() + "  " +
                    difference.binary_data_id());
        }
        return absl::OkStatus();
      });
}

absl::Status Restore(const DatasetOptions& options, const HubClient& hub) {
  bowerbird::v1::RestoreSnapshotRequest request;
  request.set_id(options.from);
  if (!options.id.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_dataset_id(), IdOf(options, hub, options.id));
  }
  bowerbird::v1::RestoreSnapshotResponse response;
  RETURN_IF_ERROR(hub.Call("/bowerbird.v1.SnapshotService/RestoreSnapshot", request, response));
  Print(options,
        {{"items_added", response.items_added()},
         {"items_removed", response.items_removed()},
         {"annotations_changed", response.annotations_changed()}},
        std::to_string(response.items_added()) + " added, " +
            std::to_string(response.items_removed()) + " removed, " +
            std::to_string(response.annotations_changed()) + " annotations put back");
  return absl::OkStatus();
}

void AddSplitFlags(CLI::App& command, DatasetOptions& options) {
  command.add_option("--name", options.name, "For people");
  command.add_option("--validation", options.validation, "Part of the items, 0 to 1")
      ->capture_default_str();
  command.add_option("--test", options.test, "Part of the items, 0 to 1")->capture_default_str();
  command.add_option("--seed", options.seed)->capture_default_str();
  command.add_option("--near-duplicate-bits", options.near_duplicate_bits,
                     "Pictures that differ in at most so many of 64 bits stay together");
  command.add_option("--burst-seconds", options.burst_seconds,
                     "Pictures of one camera within so many seconds stay together");
}

}  // namespace

CLI::App* RegisterDataset(CLI::App& app, int* exit_status) {
  auto options = std::make_shared<DatasetOptions>();
  CLI::App* command =
      app.add_subcommand("dataset", "Datasets: create, fill, export, snapshot, ...");
  command->require_subcommand(1);
  command->footer(
      "Example:\n"
      "  bowerbird dataset import raccoons photos/      (made if it is missing)\n"
      "  bowerbird dataset snapshot raccoons --validation 0.2\n"
      "  bowerbird dataset export raccoons --destination out --format yolo");
  const HubCommands commands{"dataset", &options->hub, &options->json, exit_status};
  const auto add = [&](const char* name, const char* help, auto run) {
    CLI::App* added =
        AddHubCommand(*command, commands, name, help,
                      [options, run](const HubClient& hub) { return run(*options, hub); });
    added->add_option("--dataset-org-id", options->organization_id,
                      "The organization of the dataset; default: the key's");
    return added;
  };
  const auto dataset = [&](CLI::App* to) {
    to->add_option("DATASET", options->id, "Its id, or its name")->required();
    return to;
  };
  add("create", "Make an empty one", Create)->add_option("NAME", options->name)->required();
  add("list", "Ids, dates and names", List);
  dataset(add("rename", "Give it another name", Rename))
      ->add_option("NAME", options->name)
      ->required();
  dataset(add("delete", "Delete it; its items stay", Delete));
  CLI::App* merge = add("merge", "A new one with the items of several, each once", Merge);
  merge->add_option("--name", options->name)->required();
  merge->add_option("DATASETS", options->ids)->required();
  AddItemFilterFlags(*dataset(add("add", "Put items into it",
                                  [](const DatasetOptions& all, const HubClient& hub) {
                                    return ChangeMembers(all, hub, true);
                                  })),
                     options->items);
  AddItemFilterFlags(*dataset(add("remove", "Take items out of it",
                                  [](const DatasetOptions& all, const HubClient& hub) {
                                    return ChangeMembers(all, hub, false);
                                  })),
                     options->items);
  AddImportFlags(*dataset(add("import", "Send a folder into it; made if missing", ImportInto)),
                 options->import);
  AddExportFlags(*dataset(add("export", "Write it to a folder", ExportFrom)), options->export_to);
  AddSplitFlags(*dataset(add("snapshot", "Keep it as it is now, with a split", Snapshot)),
                *options);
  CLI::App* diff = add("diff", "What two snapshots do not share", Diff);
  diff->add_option("FROM", options->from)->required();
  diff->add_option("TO", options->to)->required();
  CLI::App* restore = add("restore", "Make a dataset what a snapshot says", Restore);
  restore->add_option("SNAPSHOT", options->from)->required();
  restore->add_option("--dataset", options->id, "Another one than the snapshot's own");
  return command;
}

}  // namespace bowerbird::app
