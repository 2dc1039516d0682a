// SPDX-License-Identifier: Apache-2.0
//
// What is said about an item, as one state with versions, and the terms and counters that follow
// from it. Internal to this room; everything here runs inside a transaction of the caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "annotation/values.h"
#include "data/core.h"
#include "data/schema.h"

namespace bowerbird::data {

struct AnnotationState {
  std::vector<std::string> tags{};  // sorted, each once
  annotation::Annotations annotations{};
};

// The row of an item as far as changes need it.
struct StoredItem {
  int64_t item = 0, org = 0, source = 0, t = 0, size = 0, version = 0, tagged = 0;
  int width = 0, height = 0;
  std::string file_id{};  // hex
};

// As it is kept: JSON.
std::string BodyOf(const AnnotationState& state);
absl::StatusOr<AnnotationState> StateOf(std::string_view body);

// Sorts tags; INVALID_ARGUMENT names what cannot be. Gives an id to each box and classification
// that has none or one that another has: made of the item and `version`, so that it is the same
// wherever the same is done.
absl::Status Normalize(const std::string& file_id, int64_t version, AnnotationState& state);

// 32 bytes: what a snapshot knows of a state.
std::string HashOf(const AnnotationState& state, int width, int height);

// nullopt where the organization has no such item.
absl::StatusOr<std::optional<StoredItem>> FindStored(Connection& connection, int64_t org,
                                                     const std::string& file_id);
absl::StatusOr<std::vector<StoredItem>> LoadStored(Connection& connection,
                                                   const std::vector<int64_t>& items);
absl::StatusOr<AnnotationState> LoadState(Connection& connection, int64_t item, int64_t version);

// Makes `after` (normalised here) the next version of the item. Nothing happens if it is the same
// as `before`; whether it was another one.
absl::StatusOr<bool> ChangeState(Connection& connection, StoredItem& stored,
                                 const AnnotationState& before, AnnotationState after,
                                 const std::string& who, Time now);

// Version 1 of an item whose row says so already. `state` is normalised.
absl::Status InsertFirstState(Connection& connection, const StoredItem& stored,
                              const AnnotationState& state, const std::string& who, Time now);

absl::StatusOr<int64_t> MakeTerm(Connection& connection, int64_t org, TermKind kind,
                                 const std::string& name);
// 0 if there is none.
absl::StatusOr<int64_t> FindTerm(Connection& connection, int64_t org, TermKind kind,
                                 const std::string& name);
// Whether it was not there before.
absl::StatusOr<bool> AddTerm(Connection& connection, const StoredItem& stored, int64_t term);
// Whether it was there.
absl::StatusOr<bool> RemoveTerm(Connection& connection, const StoredItem& stored, int64_t term);
// `sign` +1 or -1: an item comes into the counts of its day, or leaves them.
absl::Status CountItem(Connection& connection, const StoredItem& stored, int64_t sign);

}  // namespace bowerbird::data
