// SPDX-License-Identifier: Apache-2.0
#include "data/item_lookup.h"

#include <set>
#include <utility>

#include "base/status.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

// Long enough to share a sync, short enough that other writers hardly wait.
constexpr uint64_t kPortion = 500;

}  // namespace

absl::StatusOr<StoredItem> FindOne(Connection& connection, const Caller& caller,
                                   const std::string& id) {
  ASSIGN_OR_RETURN(const std::string file_id, ParseItemId(caller, id));
  ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
  ASSIGN_OR_RETURN(auto stored, FindStored(connection, org, file_id));
  bool sees = false;
  if (stored.has_value()) {
    ASSIGN_OR_RETURN(sees, SeesSource(connection, caller, stored->source));
  }
  if (!sees) return NotFound("no binary data has the id " + id);
  return *std::move(stored);
}

absl::StatusOr<std::vector<StoredItem>> FindAll(Connection& connection, const Caller& caller,
                                                std::span<const std::string> ids) {
  std::vector<StoredItem> found;
  std::set<int64_t> seen;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(StoredItem stored, FindOne(connection, caller, id));
    if (seen.insert(stored.item).second) found.push_back(std::move(stored));
  }
  return found;
}

absl::Status ChangeByFilter(
    Core& core, const Caller& caller, const Filter& filter,
    const std::function<absl::Status(Connection&, std::vector<StoredItem>&)>& change) {
  std::optional<Position> after;
  while (true) {
    bool done = false;
    std::optional<Position> reached;
    RETURN_IF_ERROR(core.database().Write([&](Connection& connection) -> absl::Status {
      ASSIGN_OR_RETURN(const Selection selection, Select(connection, caller, filter));
      ASSIGN_OR_RETURN(const auto page,
                       PageOf(connection, selection, after, Order::kAscending, kPortion));
      done = page.size() < kPortion;
      if (page.empty()) return absl::OkStatus();
      reached = page.back();
      std::vector<int64_t> numbers;
      numbers.reserve(page.size());
      for (const Position& position : page) numbers.push_back(position.item);
      ASSIGN_OR_RETURN(auto stored, LoadStored(connection, numbers));
      return change(connection, stored);
    }));
    if (done) return absl::OkStatus();
    after = reached;
  }
}

}  // namespace bowerbird::data
