// SPDX-License-Identifier: Apache-2.0
#include "app/item_filter.h"

#include "CLI/CLI.hpp"
#include "app/progress.h"
#include "base/status.h"
#include "google/protobuf/util/time_util.h"

namespace bowerbird::app {

namespace proto = viam::app::data::v1;

namespace {

constexpr uint64_t kPage = 500;
constexpr char kByFilter[] = "/viam.app.data.v1.DataService/BinaryDataByFilter";

absl::Status ReadTime(const std::string& option, std::string text,
                      google::protobuf::Timestamp& out) {
  // A day stands for its begin.
  if (text.find('T') == std::string::npos) text += "T00:00:00Z";
  if (google::protobuf::util::TimeUtil::FromString(text, &out)) return absl::OkStatus();
  return InvalidArgument(option + " " + text + ": give a time as 2026-01-31T12:00:00Z");
}

}  // namespace

void AddItemFilterFlags(CLI::App& command, ItemFilterFlags& flags, bool with_ids) {
  if (with_ids) command.add_option("--binary-data-ids", flags.ids, "These items")->delimiter(',');
  command.add_option("--org-id", flags.organization_id, "Default: the key's");
  command.add_option("--location-ids", flags.location_ids)->delimiter(',');
  command.add_option("--machine-id,--robot-id", flags.robot_id);
  command.add_option("--machine-name,--robot-name", flags.robot_name);
  command.add_option("--part-id", flags.part_id);
  command.add_option("--part-name", flags.part_name);
  command.add_option("--component-name", flags.component_name);
  command.add_option("--component-type", flags.component_type);
  command.add_option("--method", flags.method);
  command.add_option("--mime-types", flags.mime_types)->delimiter(',');
  command.add_option("--with-tags", flags.tags, "Items with at least one of these tags")
      ->delimiter(',');
  command.add_option("--filter-tags", flags.filter_tags, "tagged or untagged");
  command.add_option("--bbox-labels", flags.box_labels, "Items with a box of these labels")
      ->delimiter(',');
  command.add_option("--dataset-id", flags.dataset_id);
  command.add_option("--start", flags.start, "Captured at or after, ISO 8601");
  command.add_option("--end", flags.end, "Captured before, ISO 8601");
}

bool IsEmpty(const ItemFilterFlags& flags) {
  const auto filter = MakeFilter(flags);
  return flags.ids.empty() && filter.ok() && filter->ByteSizeLong() == 0;
}

absl::StatusOr<proto::Filter> MakeFilter(const ItemFilterFlags& flags) {
  proto::Filter filter;
  const auto add = [](const std::vector<std::string>& values, auto& out) {
    out.Assign(values.begin(), values.end());
  };
  add(flags.location_ids, *filter.mutable_location_ids());
  add(flags.mime_types, *filter.mutable_mime_type());
  add(flags.box_labels, *filter.mutable_bbox_labels());
  if (!flags.organization_id.empty()) filter.add_organization_ids(flags.organization_id);
  filter.set_robot_id(flags.robot_id);
  filter.set_robot_name(flags.robot_name);
  filter.set_part_id(flags.part_id);
  filter.set_part_name(flags.part_name);
  filter.set_component_name(flags.component_name);
  filter.set_component_type(flags.component_type);
  filter.set_method(flags.method);
  filter.set_dataset_id(flags.dataset_id);
  if (!flags.start.empty()) {
    RETURN_IF_ERROR(ReadTime("--start", flags.start, *filter.mutable_interval()->mutable_start()));
  }
  if (!flags.end.empty()) {
    RETURN_IF_ERROR(ReadTime("--end", flags.end, *filter.mutable_interval()->mutable_end()));
  }
  if (!flags.tags.empty()) {
    filter.mutable_tags_filter()->set_type(proto::TAGS_FILTER_TYPE_MATCH_BY_OR);
    add(flags.tags, *filter.mutable_tags_filter()->mutable_tags());
  } else if (flags.filter_tags == "tagged") {
    filter.mutable_tags_filter()->set_type(proto::TAGS_FILTER_TYPE_TAGGED);
  } else if (flags.filter_tags == "untagged") {
    filter.mutable_tags_filter()->set_type(proto::TAGS_FILTER_TYPE_UNTAGGED);
  } else if (!flags.filter_tags.empty()) {
    return InvalidArgument("--filter-tags " + flags.filter_tags + ": give tagged or untagged");
  }
  return filter;
}

absl::Status ForEachItem(const HubClient& hub, const proto::Filter& filter,
                         const std::function<absl::Status(const proto::BinaryMetadata&)>& visit) {
  proto::BinaryDataByFilterRequest request;
  *request.mutable_data_request()->mutable_filter() = filter;
  request.mutable_data_request()->set_limit(kPage);
  request.mutable_data_request()->set_sort_order(proto::ORDER_ASCENDING);
  while (true) {
    proto::BinaryDataByFilterResponse page;
    RETURN_IF_ERROR(hub.Call(kByFilter, request, page));
    for (const proto::BinaryData& item : page.data()) {
      if (Interrupted()) return absl::CancelledError("interrupted");
      RETURN_IF_ERROR(visit(item.metadata()));
    }
    if (page.data().empty() || page.last().empty()) return absl::OkStatus();
    request.mutable_data_request()->set_last(page.last());
  }
}

absl::StatusOr<uint64_t> CountItems(const HubClient& hub, const proto::Filter& filter) {
  proto::BinaryDataByFilterRequest request;
  *request.mutable_data_request()->mutable_filter() = filter;
  request.set_count_only(true);
  proto::BinaryDataByFilterResponse response;
  RETURN_IF_ERROR(hub.Call(kByFilter, request, response));
  return response.count();
}

}  // namespace bowerbird::app
