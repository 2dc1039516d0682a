// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/filter.h"

#include <string>
#include <vector>

#include "base/status.h"
#include "wire/machine/time.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::app::data::v1;

std::vector<std::string> List(const google::protobuf::RepeatedPtrField<std::string>& field) {
  return {field.begin(), field.end()};
}

absl::Status ReadTags(const proto::TagsFilter& tags, data::Filter& filter) {
  filter.tags = List(tags.tags());
  switch (tags.type()) {
    // The SDKs' own helper gives tags without a type: it means one of them.
    case proto::TAGS_FILTER_TYPE_UNSPECIFIED:
    case proto::TAGS_FILTER_TYPE_MATCH_BY_OR:
      filter.tags_filter = data::Filter::Tags::kOneOf;
      return absl::OkStatus();
    case proto::TAGS_FILTER_TYPE_TAGGED:
      filter.tags_filter = data::Filter::Tags::kTagged;
      return absl::OkStatus();
    case proto::TAGS_FILTER_TYPE_UNTAGGED:
      filter.tags_filter = data::Filter::Tags::kUntagged;
      return absl::OkStatus();
    default:
      return InvalidArgument("the tags filter has the type " + std::to_string(tags.type()) +
                             ", which does not exist: use MATCH_BY_OR, TAGGED or UNTAGGED");
  }
}

absl::StatusOr<std::optional<data::Time>> ReadTime(bool present,
                                                   const google::protobuf::Timestamp& time) {
  if (!present) return std::optional<data::Time>();
  ASSIGN_OR_RETURN(const data::Time read, FromTimestamp(time));
  return std::optional<data::Time>(read);
}

}  // namespace

absl::StatusOr<Interval> ReadInterval(const proto::CaptureInterval& message) {
  Interval interval;
  ASSIGN_OR_RETURN(interval.start, ReadTime(message.has_start(), message.start()));
  ASSIGN_OR_RETURN(interval.end, ReadTime(message.has_end(), message.end()));
  if (interval.start.has_value() && interval.end.has_value() && *interval.end < *interval.start)
    return InvalidArgument("the interval ends before it starts: exchange start and end");
  return interval;
}

absl::StatusOr<data::Filter> ReadFilter(const proto::Filter& message) {
  data::Filter filter;
  filter.component_name = message.component_name();
  filter.component_type = message.component_type();
  filter.method = message.method();
  filter.robot_name = message.robot_name();
  filter.robot_id = message.robot_id();
  filter.part_name = message.part_name();
  filter.part_id = message.part_id();
  filter.location_ids = List(message.location_ids());
  filter.organization_ids = List(message.organization_ids());
  filter.mime_types = List(message.mime_type());
  filter.box_labels = List(message.bbox_labels());
  filter.dataset_id = message.dataset_id();
  ASSIGN_OR_RETURN(const Interval interval, ReadInterval(message.interval()));
  filter.start = interval.start;
  filter.end = interval.end;
  if (message.has_tags_filter()) RETURN_IF_ERROR(ReadTags(message.tags_filter(), filter));
  return filter;
}

absl::StatusOr<data::Filter> ReadFilter(const proto::DeleteTabularFilter& message) {
  data::Filter filter;
  filter.location_ids = List(message.location_ids());
  filter.robot_id = message.robot_id();
  filter.part_id = message.part_id();
  filter.component_type = message.component_type();
  filter.component_name = message.component_name();
  filter.method = message.method();
  if (message.has_tags_filter()) RETURN_IF_ERROR(ReadTags(message.tags_filter(), filter));
  return filter;
}

absl::StatusOr<data::PageRequest> ReadPageRequest(const proto::DataRequest& message) {
  data::PageRequest request;
  ASSIGN_OR_RETURN(request.filter, ReadFilter(message.filter()));
  request.limit = message.limit();
  request.last = message.last();
  request.order = message.sort_order() == proto::ORDER_ASCENDING ? data::Order::kAscending
                                                                 : data::Order::kDescending;
  return request;
}

}  // namespace bowerbird::wire
