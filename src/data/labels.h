// SPDX-License-Identifier: Apache-2.0
//
// What people and models say about items: tags, boxes, classifications, with the history of every
// change.
//
// An item's tags, boxes and classifications together are one state; each change makes a new version
// of it, and versions stay as long as the item. Thread-safe, durable on return.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/values.h"
#include "data/filter.h"

namespace bowerbird::data {

class Core;

struct BoxChange {
  std::optional<std::string> label{};
  std::optional<double> x_min{}, y_min{}, x_max{}, y_max{};
  std::optional<double> confidence{};
};

struct LabelCount {
  std::string label{};
  uint64_t items = 0;
};

struct ItemAnnotations {
  std::string id{};
  annotation::Annotations annotations{};
};

struct ItemProblem {
  std::string id{};
  std::string message{};
};

struct SetResult {
  uint64_t changed = 0;
  std::vector<ItemProblem> problems{};
};

struct AnnotationChange {
  std::string id{};
  Time time{};
  std::string changed_by{};
  annotation::Annotations before{}, after{};
  std::vector<std::string> tags_before{}, tags_after{};
};

class Labels {
 public:
  explicit Labels(Core& core);

  // No tags: INVALID_ARGUMENT. An id that is not there: NOT_FOUND, and nothing is changed.
  absl::Status AddTags(const Caller& caller, std::span<const std::string> ids,
                       std::span<const std::string> tags);
  absl::Status AddTagsByFilter(const Caller& caller, const Filter& filter,
                               std::span<const std::string> tags);
  // How many tags were taken from items.
  absl::StatusOr<uint64_t> RemoveTags(const Caller& caller, std::span<const std::string> ids,
                                      std::span<const std::string> tags);
  absl::StatusOr<uint64_t> RemoveTagsByFilter(const Caller& caller, const Filter& filter,
                                              std::span<const std::string> tags);

  // By name. Counts are kept, not counted, where the filter names only where items come from;
  // otherwise `items` is 0 and only the names are found.
  absl::StatusOr<std::vector<LabelCount>> Tags(const Caller& caller, const Filter& filter);
  absl::StatusOr<std::vector<LabelCount>> BoxLabels(const Caller& caller, const Filter& filter);

  // The box's id, made here if it has none. INVALID_ARGUMENT: corners outside 0..1, not finite, or
  // without area; an empty label.
  absl::StatusOr<std::string> AddBox(const Caller& caller, const std::string& id,
                                     annotation::Box box);
  absl::Status UpdateBox(const Caller& caller, const std::string& id, const std::string& box_id,
                         const BoxChange& change);
  absl::Status RemoveBox(const Caller& caller, const std::string& id, const std::string& box_id);

  // Replaces boxes and classifications; tags stay. Items that cannot be annotated are reported, the
  // others are done. At most 1000 at a time.
  absl::StatusOr<SetResult> Set(const Caller& caller, std::span<const ItemAnnotations> items);

  // Newest first, at most `limit`.
  absl::StatusOr<std::vector<AnnotationChange>> History(const Caller& caller, const std::string& id,
                                                        size_t limit = 1000);
  // Puts back what was there before that change; that is a change, too. FAILED_PRECONDITION where
  // the item has been changed since.
  absl::StatusOr<AnnotationChange> Undo(const Caller& caller, const std::string& change_id);

 private:
  Core& core_;
};

}  // namespace bowerbird::data
