// SPDX-License-Identifier: Apache-2.0
//
// bowerbird data import | export | list | tag | delete | verify: what a hub keeps, over its public
// API.
#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "annotation/format.h"
#include "app/commands.h"
#include "app/data_export.h"
#include "app/data_import.h"
#include "app/hub_client.h"
#include "app/hub_command.h"
#include "app/item_filter.h"
#include "app/progress.h"
#include "base/status.h"
#include "bowerbird/v1/dataset.pb.h"
#include "google/protobuf/util/time_util.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

namespace data = viam::app::data::v1;
using Json = nlohmann::json;

struct DataOptions {
  HubFlags hub;
  ItemFilterFlags items;
  ImportOptions import;
  ExportOptions export_to;
  std::vector<std::string> tags;
  std::string action;
  bool json = false, yes = false, all = false, quick = false;
  uint64_t limit = 0;
};

Json ItemJson(const data::BinaryMetadata& item) {
  Json json = {{"id", item.binary_data_id()},
               {"file_name", item.file_name()},
               {"mime_type", item.capture_metadata().mime_type()},
               {"bytes", item.file_size_bytes()},
               {"captured", google::protobuf::util::TimeUtil::ToString(item.time_requested())},
               {"tags", Json::array()},
               {"dataset_ids", Json::array()},
               {"boxes", item.annotations().bboxes_size()}};
  for (const std::string& tag : item.capture_metadata().tags()) json["tags"].push_back(tag);
  for (const std::string& id : item.dataset_ids()) json["dataset_ids"].push_back(id);
  return json;
}

absl::Status List(const DataOptions& options, const HubClient& hub) {
  ASSIGN_OR_RETURN(const data::Filter filter, MakeFilter(options.items));
  uint64_t left = options.limit == 0 ? UINT64_MAX : options.limit;
  const absl::Status end = absl::OutOfRangeError("enough");
  const absl::Status walked =
      ForEachItem(hub, filter, [&](const data::BinaryMetadata& item) -> absl::Status {
        if (left-- == 0) return end;
        const Json json = ItemJson(item);
        if (options.json) {
          std::printf("%s\n", json.dump().c_str());
        } else {
          std::printf("%s  %s  %llu bytes  %s\n", item.binary_data_id().c_str(),
                      json["captured"].get<std::string>().c_str(),
                      static_cast<unsigned long long>(item.file_size_bytes()),
                      item.file_name().c_str());
        }
        return absl::OkStatus();
      });
  return walked == end ? absl::OkStatus() : walked;
}

absl::Status Tag(const DataOptions& options, const HubClient& hub) {
  const auto fill = [&](auto& request) {
    request.mutable_tags()->Assign(options.tags.begin(), options.tags.end());
  };
  const bool add = options.action == "add";
  if (!options.items.ids.empty()) {
    data::AddTagsToBinaryDataByIDsRequest added;
    data::RemoveTagsFromBinaryDataByIDsRequest removed;
    fill(added);
    fill(removed);
    for (const std::string& id : options.items.ids) {
      added.add_binary_data_ids(id);
      removed.add_binary_data_ids(id);
    }
    data::AddTagsToBinaryDataByIDsResponse added_response;
    data::RemoveTagsFromBinaryDataByIDsResponse removed_response;
    return add ? hub.Call("/viam.app.data.v1.DataService/AddTagsToBinaryDataByIDs", added,
                          added_response)
               : hub.Call("/viam.app.data.v1.DataService/RemoveTagsFromBinaryDataByIDs", removed,
                          removed_response);
  }
  ASSIGN_OR_RETURN(const data::Filter filter, MakeFilter(options.items));
  data::AddTagsToBinaryDataByFilterRequest added;
  data::RemoveTagsFromBinaryDataByFilterRequest removed;
  fill(added);
  fill(removed);
  *added.mutable_filter() = filter;
  *removed.mutable_filter() = filter;
  data::AddTagsToBinaryDataByFilterResponse added_response;
  data::RemoveTagsFromBinaryDataByFilterResponse removed_response;
  return add ? hub.Call("/viam.app.data.v1.DataService/AddTagsToBinaryDataByFilter", added,
                        added_response)
             : hub.Call("/viam.app.data.v1.DataService/RemoveTagsFromBinaryDataByFilter", removed,
                        removed_response);
}

absl::Status Delete(const DataOptions& options, const HubClient& hub) {
  uint64_t deleted = 0;
  if (!options.items.ids.empty()) {
    data::DeleteBinaryDataByIDsRequest request;
    for (const std::string& id : options.items.ids) request.add_binary_data_ids(id);
    data::DeleteBinaryDataByIDsResponse response;
    RETURN_IF_ERROR(
        hub.Call("/viam.app.data.v1.DataService/DeleteBinaryDataByIDs", request, response));
    deleted = response.deleted_count();
  } else {
    data::DeleteBinaryDataByFilterRequest request;
    ASSIGN_OR_RETURN(*request.mutable_filter(), MakeFilter(options.items));
    ASSIGN_OR_RETURN(const uint64_t count, CountItems(hub, request.filter()));
    if (!options.yes)
      return FailedPrecondition(std::to_string(count) +
                                " items would be deleted: say --yes if that is meant");
    data::DeleteBinaryDataByFilterResponse response;
    RETURN_IF_ERROR(
        hub.Call("/viam.app.data.v1.DataService/DeleteBinaryDataByFilter", request, response));
    deleted = response.deleted_count();
  }
  std::printf(options.json ? "{\"deleted\":%llu}\n" : "%llu deleted\n",
              static_cast<unsigned long long>(deleted));
  return absl::OkStatus();
}

absl::Status Verify(const DataOptions& options, const HubClient& hub) {
  bowerbird::v1::VerifyDataRequest request;
  request.set_quick(options.quick);
  uint64_t checked = 0, problems = 0, unused = 0;
  RETURN_IF_ERROR(hub.Read<bowerbird::v1::VerifyDataResponse>(
      "/bowerbird.v1.UpkeepService/VerifyData", request,
      [&](const bowerbird::v1::VerifyDataResponse& response) {
        checked = response.checked();
        unused += static_cast<uint64_t>(response.files_without_item_size());
        for (const auto& problem : response.problems()) {
          ++problems;
          std::fprintf(stderr, "bowerbird: %s: %s\n", problem.binary_data_id().c_str(),
                       problem.message().c_str());
        }
        return Interrupted() ? absl::CancelledError("interrupted") : absl::OkStatus();
      }));
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(options.json ? "{\"checked\":%llu,\"problems\":%llu,\"files_without_item\":%llu}\n"
                           : "%llu files checked, %llu problems, %llu files that nothing needs\n",
              number(checked), number(problems), number(unused));
  if (problems == 0) return absl::OkStatus();
  return absl::DataLossError(
      ToAbsl(std::to_string(problems) + " items are damaged: restore their files from a backup"));
}

}  // namespace

CLI::App* RegisterData(CLI::App& app, int* exit_status) {
  auto options = std::make_shared<DataOptions>();
  CLI::App* command =
      app.add_subcommand("data", "What a hub keeps: import, export, list, tag, ...");
  command->require_subcommand(1);
  command->footer(
      "Example:\n"
      "  bowerbird data import photos --tags shelf\n"
      "  bowerbird data export --destination out --format coco --dataset-id 5f0c...\n"
      "  bowerbird data tag add --tags blurred --component-name cam --start 2026-01-31");
  const HubCommands commands{"data", &options->hub, &options->json, exit_status};
  const auto add = [&](const char* name, const char* help, auto run) {
    return AddHubCommand(*command, commands, name, help,
                         [options, run](const HubClient& hub) { return run(*options, hub); });
  };
  CLI::App* import = add("import", "Send a folder of pictures with what is said about them",
                         [](const DataOptions& all, const HubClient& hub) {
                           return RunImport(hub, all.import, all.json);
                         });
  AddImportFlags(*import, options->import);
  CLI::App* out = add("export", "Write items and annotations to a folder",
                      [](const DataOptions& all, const HubClient& hub) {
                        return RunExport(hub, all.items, all.export_to, all.json);
                      });
  AddItemFilterFlags(*out, options->items, /*with_ids=*/false);
  AddExportFlags(*out, options->export_to);
  CLI::App* list = add("list", "One line for each item", List);
  AddItemFilterFlags(*list, options->items, /*with_ids=*/false);
  list->add_option("--limit", options->limit, "At most so many");
  CLI::App* tag = add("tag", "Add tags to items, or remove them", Tag);
  tag->add_option("ACTION", options->action)->required()->check(CLI::IsMember({"add", "remove"}));
  tag->add_option("--tags", options->tags)->delimiter(',')->required();
  AddItemFilterFlags(*tag, options->items);
  CLI::App* remove = add("delete", "Delete items and their files", Delete);
  AddItemFilterFlags(*remove, options->items);
  remove->add_flag("--yes", options->yes, "Needed with a filter");
  CLI::App* verify = add("verify", "Read every stored file and compare its hash", Verify);
  verify->add_flag("--quick", options->quick, "Only look whether it is there with its size");
  return command;
}

}  // namespace bowerbird::app
