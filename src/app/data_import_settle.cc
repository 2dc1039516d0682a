// SPDX-License-Identifier: Apache-2.0
#include "app/data_import_settle.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/status.h"
#include "bowerbird/v1/dataset.pb.h"
#include "google/protobuf/util/time_util.h"

namespace bowerbird::app {
namespace {

namespace data = viam::app::data::v1;
using annotation::Problem;

// Corners are kept as they were sent; nine digits are far below a pixel.
int64_t Rounded(double value) { return std::llround(value * 1e9); }

using BoxKey = std::tuple<std::string, int64_t, int64_t, int64_t, int64_t, int64_t>;
using LabelKey = std::pair<std::string, int64_t>;

BoxKey KeyOf(const data::BoundingBox& box) {
  return {box.label(),
          Rounded(box.x_min_normalized()),
          Rounded(box.y_min_normalized()),
          Rounded(box.x_max_normalized()),
          Rounded(box.y_max_normalized()),
          box.has_confidence() ? Rounded(box.confidence()) : -1};
}

LabelKey KeyOf(const data::Classification& one) {
  return {one.label(), one.has_confidence() ? Rounded(one.confidence()) : -1};
}

// Whether both lists say the same, in any order. What is wanted without an id gets the id of what
// is there and says the same.
template <typename Key, typename List>
bool SameAndNamed(const List& stored, List& wanted) {
  std::multimap<Key, std::string> there;
  for (const auto& one : stored) there.emplace(KeyOf(one), one.id());
  bool same = stored.size() == wanted.size();
  for (auto& one : wanted) {
    const auto [begin, end] = there.equal_range(KeyOf(one));
    const auto found = std::find_if(begin, end, [&](const auto& entry) {
      return one.id().empty() || entry.second == one.id();
    });
    if (found == end) {
      same = false;
      continue;
    }
    one.set_id(found->second);
    there.erase(found);
  }
  return same;
}

template <typename Strings>
std::set<std::string> SetOf(const Strings& strings) {
  return {strings.begin(), strings.end()};
}

bool IsOutOfReach(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsUnimplemented(status);
}

}  // namespace

// Calls that take many items are made once for all that want the same.
struct Settler::Changes {
  bowerbird::v1::SetAnnotationsRequest annotations;
  std::map<std::set<std::string>, std::vector<std::string>> add_tags, remove_tags;
  std::map<std::string, std::vector<std::string>> datasets;
  std::map<std::string, std::string> paths;  // by id
  std::set<std::string> changed;
  uint64_t added = 0;
};

void FillAnnotations(const annotation::Annotations& annotations, data::Annotations& out) {
  for (const annotation::Box& box : annotations.boxes) {
    auto& added = *out.add_bboxes();
    added.set_id(box.id);
    added.set_label(box.label);
    added.set_x_min_normalized(box.x_min);
    added.set_y_min_normalized(box.y_min);
    added.set_x_max_normalized(box.x_max);
    added.set_y_max_normalized(box.y_max);
    if (box.confidence) added.set_confidence(*box.confidence);
  }
  for (const annotation::Classification& one : annotations.classifications) {
    auto& added = *out.add_classifications();
    added.set_id(one.id);
    added.set_label(one.label);
    if (one.confidence) added.set_confidence(*one.confidence);
  }
}

void Settler::Compare(const SentItem& sent, const data::BinaryMetadata& stored,
                      const annotation::Capabilities& holds, Changes& changes) const {
  const std::set<std::string> member_of = SetOf(stored.dataset_ids());
  for (const std::string& id : options_.dataset_ids) {
    if (!member_of.contains(id)) changes.datasets[id].push_back(sent.id);
  }
  if (google::protobuf::util::TimeUtil::TimestampToNanoseconds(stored.time_received()) ==
      google::protobuf::util::TimeUtil::TimestampToNanoseconds(run_)) {
    ++changes.added;
    return;
  }
  changes.paths[sent.id] = sent.image.path;
  if (options_.keep_labels) return;
  data::Annotations wanted;
  FillAnnotations(sent.image.annotations, wanted);
  if (!holds.boxes) *wanted.mutable_bboxes() = stored.annotations().bboxes();
  if (!holds.classifications && !holds.plain_classifications)
    *wanted.mutable_classifications() = stored.annotations().classifications();
  const bool same_boxes =
      SameAndNamed<BoxKey>(stored.annotations().bboxes(), *wanted.mutable_bboxes());
  const bool same_labels = SameAndNamed<LabelKey>(stored.annotations().classifications(),
                                                  *wanted.mutable_classifications());
  if (!same_boxes || !same_labels) {
    auto& item = *changes.annotations.add_items();
    item.set_binary_data_id(sent.id);
    *item.mutable_annotations() = std::move(wanted);
    changes.changed.insert(sent.id);
  }
  std::set<std::string> tags = SetOf(sent.image.tags), add, remove;
  const bool replace = holds.tags && !tags.empty();
  tags.insert(options_.tags.begin(), options_.tags.end());
  const std::set<std::string> there = SetOf(stored.capture_metadata().tags());
  std::set_difference(tags.begin(), tags.end(), there.begin(), there.end(),
                      std::inserter(add, add.end()));
  if (replace) {
    std::set_difference(there.begin(), there.end(), tags.begin(), tags.end(),
                        std::inserter(remove, remove.end()));
  }
  if (!add.empty()) changes.add_tags[std::move(add)].push_back(sent.id);
  if (!remove.empty()) changes.remove_tags[std::move(remove)].push_back(sent.id);
}

absl::Status Settler::Apply(Changes& changes, Settled& settled) const {
  for (const auto& [dataset, ids] : changes.datasets) {
    data::AddBinaryDataToDatasetByIDsRequest request;
    request.set_dataset_id(dataset);
    request.mutable_binary_data_ids()->Assign(ids.begin(), ids.end());
    data::AddBinaryDataToDatasetByIDsResponse response;
    RETURN_IF_ERROR(
        hub_.Call("/viam.app.data.v1.DataService/AddBinaryDataToDatasetByIDs", request, response));
  }
  for (const auto& [tags, ids] : changes.add_tags) {
    data::AddTagsToBinaryDataByIDsRequest request;
    request.mutable_tags()->Assign(tags.begin(), tags.end());
    request.mutable_binary_data_ids()->Assign(ids.begin(), ids.end());
    data::AddTagsToBinaryDataByIDsResponse response;
    RETURN_IF_ERROR(
        hub_.Call("/viam.app.data.v1.DataService/AddTagsToBinaryDataByIDs", request, response));
    changes.changed.insert(ids.begin(), ids.end());
  }
  for (const auto& [tags, ids] : changes.remove_tags) {
    data::RemoveTagsFromBinaryDataByIDsRequest request;
    request.mutable_tags()->Assign(tags.begin(), tags.end());
    request.mutable_binary_data_ids()->Assign(ids.begin(), ids.end());
    data::RemoveTagsFromBinaryDataByIDsResponse response;
    RETURN_IF_ERROR(hub_.Call("/viam.app.data.v1.DataService/RemoveTagsFromBinaryDataByIDs",
                              request, response));
    changes.changed.insert(ids.begin(), ids.end());
  }
  if (changes.annotations.items_size() > 0) {
    bowerbird::v1::SetAnnotationsResponse response;
    RETURN_IF_ERROR(
        hub_.Call("/bowerbird.v1.AnnotationService/SetAnnotations", changes.annotations, response));
    for (const auto& problem : response.problems()) {
      changes.changed.erase(problem.binary_data_id());
      settled.problems.push_back({.kind = Problem::Kind::kImageSkipped,
                                  .file = changes.paths[problem.binary_data_id()],
                                  .place = "",
                                  .what = problem.message()});
    }
  }
  settled.added += changes.added;
  settled.changed += changes.changed.size();
  settled.unchanged += changes.paths.size() - changes.changed.size();
  return absl::OkStatus();
}

absl::StatusOr<Settled> Settler::OneByOne(std::span<const SentItem> sent,
                                          const annotation::Capabilities& holds) const {
  Settled all;
  for (const SentItem& one : sent) {
    auto settled = Settle({&one, 1}, holds);
    if (absl::IsNotFound(settled.status())) {
      all.problems.push_back({.kind = Problem::Kind::kImageSkipped,
                              .file = one.image.path,
                              .place = "",
                              .what = MessageOf(settled.status()) + ": it was deleted meanwhile"});
      continue;
    }
    RETURN_IF_ERROR(settled.status());
    all.added += settled->added;
    all.changed += settled->changed;
    all.unchanged += settled->unchanged;
    std::move(settled->problems.begin(), settled->problems.end(), std::back_inserter(all.problems));
  }
  return all;
}

absl::StatusOr<Settled> Settler::Settle(std::span<const SentItem> sent,
                                        const annotation::Capabilities& holds) const {
  Settled settled;
  if (sent.empty()) return settled;
  data::BinaryDataByIDsRequest request;
  for (const SentItem& item : sent) request.add_binary_data_ids(item.id);
  data::BinaryDataByIDsResponse response;
  const absl::Status found =
      hub_.Call("/viam.app.data.v1.DataService/BinaryDataByIDs", request, response);
  if (absl::IsNotFound(found) && sent.size() > 1) return OneByOne(sent, holds);
  if (IsOutOfReach(found)) {
    // A key that may send and not read: what was sent is there, whatever was before.
    settled.added = sent.size();
    return settled;
  }
  RETURN_IF_ERROR(found);
  std::map<std::string, const data::BinaryMetadata*> stored;
  for (const data::BinaryData& item : response.data())
    stored.emplace(item.metadata().binary_data_id(), &item.metadata());
  Changes changes;
  for (const SentItem& item : sent) {
    const auto one = stored.find(item.id);
    if (one == stored.end())
      return NotFound(item.image.path + ": the hub does not know " + item.id);
    Compare(item, *one->second, holds, changes);
  }
  RETURN_IF_ERROR(Apply(changes, settled));
  return settled;
}

}  // namespace bowerbird::app
