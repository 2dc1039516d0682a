// SPDX-License-Identifier: Apache-2.0
#include "data/labels.h"

#include <algorithm>
#include <functional>

#include "base/status.h"
#include "data/item_lookup.h"

namespace bowerbird::data {
namespace {

using Change = std::function<absl::Status(AnnotationState&)>;

absl::Status ChangeOne(Connection& connection, StoredItem& stored, const Caller& caller, Time now,
                       const Change& change) {
  ASSIGN_OR_RETURN(const AnnotationState before,
                   LoadState(connection, stored.item, stored.version));
  AnnotationState after = before;
  RETURN_IF_ERROR(change(after));
  return ChangeState(connection, stored, before, std::move(after), caller.name, now).status();
}

absl::Status CheckTags(std::span<const std::string> tags) {
  if (tags.empty()) return InvalidArgument("no tags are given");
  for (const std::string& tag : tags) RETURN_IF_ERROR(annotation::CheckLabel(tag));
  return absl::OkStatus();
}

Change Adding(std::span<const std::string> tags) {
  return [tags](AnnotationState& state) {
    state.tags.insert(state.tags.end(), tags.begin(), tags.end());
    return absl::OkStatus();
  };
}

Change Removing(std::span<const std::string> tags, uint64_t& count) {
  return [tags, &count](AnnotationState& state) {
    count += std::erase_if(state.tags, [&](const std::string& tag) {
      return std::find(tags.begin(), tags.end(), tag) != tags.end();
    });
    return absl::OkStatus();
  };
}

absl::Status ChangeAll(Core& core, const Caller& caller, std::span<const std::string> ids,
                       const Change& change) {
  if (ids.empty()) return InvalidArgument("no ids of binary data are given");
  return core.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(auto found, FindAll(connection, caller, ids));
    for (StoredItem& stored : found) {
      RETURN_IF_ERROR(ChangeOne(connection, stored, caller, core.Now(), change));
    }
    return absl::OkStatus();
  });
}

absl::Status ChangeFiltered(Core& core, const Caller& caller, const Filter& filter,
                            const Change& change) {
  return ChangeByFilter(
      core, caller, filter, [&](Connection& connection, std::vector<StoredItem>& portion) {
        for (StoredItem& stored : portion) {
          RETURN_IF_ERROR(ChangeOne(connection, stored, caller, core.Now(), change));
        }
        return absl::OkStatus();
      });
}

annotation::Box* FindBox(AnnotationState& state, const std::string& box_id) {
  for (auto& box : state.annotations.boxes) {
    if (box.id == box_id) return &box;
  }
  return nullptr;
}

absl::Status NoSuchBox(const std::string& id, const std::string& box_id) {
  return NotFound("binary data " + id + " has no bounding box " + box_id);
}

}  // namespace

Labels::Labels(Core& core) : core_(core) {}

absl::Status Labels::AddTags(const Caller& caller, std::span<const std::string> ids,
                             std::span<const std::string> tags) {
  RETURN_IF_ERROR(CheckTags(tags));
  return ChangeAll(core_, caller, ids, Adding(tags));
}

absl::Status Labels::AddTagsByFilter(const Caller& caller, const Filter& filter,
                                     std::span<const std::string> tags) {
  RETURN_IF_ERROR(CheckTags(tags));
  return ChangeFiltered(core_, caller, filter, Adding(tags));
}

absl::StatusOr<uint64_t> Labels::RemoveTags(const Caller& caller, std::span<const std::string> ids,
                                            std::span<const std::string> tags) {
  RETURN_IF_ERROR(CheckTags(tags));
  uint64_t count = 0;
  RETURN_IF_ERROR(ChangeAll(core_, caller, ids, Removing(tags, count)));
  return count;
}

absl::StatusOr<uint64_t> Labels::RemoveTagsByFilter(const Caller& caller, const Filter& filter,
                                                    std::span<const std::string> tags) {
  RETURN_IF_ERROR(CheckTags(tags));
  uint64_t count = 0;
  RETURN_IF_ERROR(ChangeFiltered(core_, caller, filter, Removing(tags, count)));
  return count;
}

absl::StatusOr<std::string> Labels::AddBox(const Caller& caller, const std::string& id,
                                           annotation::Box box) {
  std::string box_id;
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(StoredItem stored, FindOne(connection, caller, id));
    RETURN_IF_ERROR(ChangeOne(connection, stored, caller, core_.Now(), [&](AnnotationState& state) {
      state.annotations.boxes.push_back(box);
      return absl::OkStatus();
    }));
    ASSIGN_OR_RETURN(const AnnotationState state,
                     LoadState(connection, stored.item, stored.version));
    box_id = state.annotations.boxes.back().id;
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return box_id;
}

absl::Status Labels::UpdateBox(const Caller& caller, const std::string& id,
                               const std::string& box_id, const BoxChange& change) {
  const std::string ids[] = {id};
  return ChangeAll(core_, caller, ids, [&](AnnotationState& state) {
    annotation::Box* const box = FindBox(state, box_id);
    if (box == nullptr) return NoSuchBox(id, box_id);
    box->label = change.label.value_or(box->label);
    box->x_min = change.x_min.value_or(box->x_min);
    box->y_min = change.y_min.value_or(box->y_min);
    box->x_max = change.x_max.value_or(box->x_max);
    box->y_max = change.y_max.value_or(box->y_max);
    if (change.confidence) box->confidence = change.confidence;
    return absl::OkStatus();
  });
}

absl::Status Labels::RemoveBox(const Caller& caller, const std::string& id,
                               const std::string& box_id) {
  const std::string ids[] = {id};
  return ChangeAll(core_, caller, ids, [&](AnnotationState& state) {
    const size_t removed = std::erase_if(
        state.annotations.boxes, [&](const annotation::Box& box) { return box.id == box_id; });
    return removed == 0 ? NoSuchBox(id, box_id) : absl::OkStatus();
  });
}

absl::StatusOr<SetResult> Labels::Set(const Caller& caller,
                                      std::span<const ItemAnnotations> items) {
  constexpr size_t kMostItems = 1000;
  if (items.size() > kMostItems) {
    return InvalidArgument("annotations of at most 1000 items can be set at once, not of " +
                           std::to_string(items.size()));
  }
  SetResult result;
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    result = {};
    for (const ItemAnnotations& wanted : items) {
      const auto set = [&]() -> absl::Status {
        ASSIGN_OR_RETURN(StoredItem stored, FindOne(connection, caller, wanted.id));
        const int64_t version = stored.version;
        RETURN_IF_ERROR(
            ChangeOne(connection, stored, caller, core_.Now(), [&](AnnotationState& state) {
              state.annotations = wanted.annotations;
              return absl::OkStatus();
            }));
        if (stored.version != version) ++result.changed;
        return absl::OkStatus();
      };
      // Both are found before anything is written.
      const absl::Status status = set();
      if (absl::IsInvalidArgument(status) || absl::IsNotFound(status)) {
        result.problems.push_back({.id = wanted.id, .message = MessageOf(status)});
      } else {
        RETURN_IF_ERROR(status);
      }
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return result;
}

}  // namespace bowerbird::data
