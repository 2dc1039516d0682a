// SPDX-License-Identifier: Apache-2.0
#include "data/snapshot_rows.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/status.h"

namespace bowerbird::data {
namespace {

constexpr size_t kShortestPrefix = 8;
constexpr size_t kIdDigits = 64;
constexpr size_t kStatesAtOnce = 500;

// A dataset with at least one of so many items of its span is read as that span: a million rows of
// PostgreSQL joined take 1.4 s, their numbers and their span read one after the other 0.7 s.
constexpr uint64_t kSparsest = 4;

}  // namespace

std::string TextOf(const std::optional<SplitOptions>& split) {
  if (!split) return "";
  return nlohmann::json{{"seed", split->seed},
                        {"validation", split->validation_fraction},
                        {"test", split->test_fraction},
                        {"near_duplicate_bits", split->near_duplicate_bits},
                        {"burst_seconds", split->burst_seconds}}
      .dump();
}

std::optional<SplitOptions> SplitOptionsOf(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  // What is no number, which a damaged row may have, counts as 0; value() would throw.
  const auto number = [&](const char* key, auto zero) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number() ? found->get<decltype(zero)>() : zero;
  };
  SplitOptions options;
  options.seed = number("seed", uint64_t{0});
  options.validation_fraction = number("validation", 0.0);
  options.test_fraction = number("test", 0.0);
  options.near_duplicate_bits = number("near_duplicate_bits", uint32_t{0});
  options.burst_seconds = number("burst_seconds", 0.0);
  return options;
}

absl::StatusOr<Snapshot> FindSnapshot(Connection& connection, const Caller& caller,
                                      const std::string& id, const std::string& dataset_id) {
  if (id.size() < kShortestPrefix || id.size() > kIdDigits ||
      id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return NotFound("no snapshot has the id " + id);
  }
  // The ids that begin so lie between it and it with a letter behind the digits.
  const std::string above = id + "g";
  std::vector<Snapshot> found;
  const absl::Status queried = connection.Query(
      "SELECT s.id, s.dataset_id, s.name, s.t, s.items, s.boxes, s.split, s.created_by"
      " FROM snapshots s JOIN organizations o ON o.org = s.org"
      " WHERE o.id = $1 AND s.id >= $2 AND s.id < $3 AND ($4 = '' OR s.dataset_id = $4)"
      " ORDER BY s.id, s.snapshot",
      {caller.organization_id, id, above, dataset_id}, [&](const Row& row) {
        found.push_back({.id = std::string(row.Text(0)),
                         .dataset_id = std::string(row.Text(1)),
                         .name = std::string(row.Text(2)),
                         .time_created = TimeOf(row.Integer(3)),
                         .item_count = static_cast<uint64_t>(row.Integer(4)),
                         .box_count = static_cast<uint64_t>(row.Integer(5)),
                         .split = SplitOptionsOf(row.Text(6)),
                         .created_by = std::string(row.Text(7))});
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(queried);
  if (found.empty()) return NotFound("no snapshot has the id " + id);
  if (found.front().id != found.back().id) {
    return InvalidArgument("the ids of several snapshots begin with " + id + ": give more digits");
  }
  return std::move(found.front());
}

absl::StatusOr<std::vector<Member>> LoadMembers(Connection& connection, const Caller& caller,
                                                const Snapshot& snapshot) {
  std::string bytes;
  const absl::Status queried = connection.Query(
      "SELECT s.members FROM snapshots s JOIN organizations o ON o.org = s.org"
      " WHERE o.id = $1 AND s.id = $2 AND s.dataset_id = $3",
      {caller.organization_id, snapshot.id, snapshot.dataset_id}, [&](const Row& row) {
        bytes = row.Blob(0);
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(queried);
  return UnpackMembers(bytes);
}

absl::Status ForEachCurrentMember(Connection& connection, int64_t term, MemberDetail detail,
                                  const std::function<void(const CurrentMember&)>& visit) {
  std::vector<int64_t> members;
  RETURN_IF_ERROR(
      connection.Scan("SELECT item FROM item_terms WHERE term = $1", {term}, [&](const Row& row) {
        members.push_back(row.Integer(0));
        return absl::OkStatus();
      }));
  if (members.empty()) return absl::OkStatus();
  const auto [least, greatest] = std::minmax_element(members.begin(), members.end());
  const int64_t first = *least, last = *greatest;
  const auto span = static_cast<uint64_t>(last) - static_cast<uint64_t>(first) + 1;
  const bool is_dense = span / kSparsest <= members.size();
  std::vector<bool> is_member(is_dense ? span : 0);
  for (const int64_t one : members) {
    if (is_dense) is_member[static_cast<size_t>(one - first)] = true;
  }
  const auto take = [&](const Row& row) {
    const int64_t item = row.Integer(0);
    if (is_dense && !is_member[static_cast<size_t>(item - first)]) return absl::OkStatus();
    CurrentMember one{.member = {.item = item, .version = row.Integer(1)}};
    if (detail >= MemberDetail::kHashes) {
      one.boxes = row.Integer(2);
      one.hash = row.Blob(3);
      one.annotation_hash = row.Blob(4);
    }
    if (detail >= MemberDetail::kSplit) {
      one.source = row.Integer(5);
      one.t = row.Integer(6);
      if (!row.IsNull(7)) one.looks = static_cast<uint64_t>(row.Integer(7));
    }
    visit(one);
    return absl::OkStatus();
  };
  std::string columns = "SELECT i.item, i.version";
  if (detail >= MemberDetail::kHashes) columns += ", i.boxes, i.hash, i.annotation_hash";
  if (detail >= MemberDetail::kSplit) columns += ", i.source, i.t, i.looks";
  if (is_dense) {
    return connection.Scan(columns + " FROM items i WHERE i.item BETWEEN $1 AND $2", {first, last},
                           take);
  }
  return connection.Scan(
      columns + " FROM item_terms m JOIN items i ON i.item = m.item WHERE m.term = $1", {term},
      take);
}

absl::Status ForEachMemberState(Core& core, const std::vector<Member>& members,
                                const std::function<absl::Status(const MemberState&)>& visit) {
  for (size_t at = 0; at < members.size(); at += kStatesAtOnce) {
    const size_t end = std::min(members.size(), at + kStatesAtOnce);
    std::string list;
    std::vector<int64_t> numbers;
    for (size_t one = at; one < end; ++one) {
      list += (list.empty() ? "(" : ", (") + std::to_string(members[one].item) + ", " +
              std::to_string(members[one].version) + ")";
      numbers.push_back(members[one].item);
    }
    std::map<int64_t, MemberState> states;
    const absl::Status read = core.database().Read([&](Connection& connection) -> absl::Status {
      ASSIGN_OR_RETURN(const auto stored, LoadStored(connection, numbers));
      for (const StoredItem& one : stored) {
        MemberState& state = states[one.item];
        state.width = one.width;
        state.height = one.height;
      }
      return connection.Query(
          "SELECT item, body FROM annotation_versions WHERE (item, version) IN (VALUES " + list +
              ")",
          {}, [&](const Row& row) -> absl::Status {
            ASSIGN_OR_RETURN(states[row.Integer(0)].state, StateOf(row.Text(1)));
            return absl::OkStatus();
          });
    });
    RETURN_IF_ERROR(read);
    for (size_t one = at; one < end; ++one) {
      const auto found = states.find(members[one].item);
      if (found == states.end()) continue;
      found->second.member = members[one];
      RETURN_IF_ERROR(visit(found->second));
    }
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::data
