// SPDX-License-Identifier: Apache-2.0
#include "data/datasets.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "annotation/values.h"
#include "base/sha256.h"
#include "base/status.h"
#include "data/dataset_rows.h"
#include "data/item_lookup.h"

namespace bowerbird::data {
namespace {

constexpr size_t kIdDigits = 24;

absl::Status NoSuchDataset(const std::string& id) {
  return NotFound("no dataset has the id " + id);
}

absl::Status CheckName(const std::string& name) {
  // As of labels: names stand in lists, in file names and in commands.
  if (annotation::CheckLabel(name).ok()) return absl::OkStatus();
  return InvalidArgument(
      "a dataset needs a name of 1 to 200 bytes of UTF-8 without control characters");
}

absl::Status NameTaken(const absl::Status& status, const std::string& name) {
  if (!absl::IsAlreadyExists(status)) return status;
  const std::string message =
      "the organization has a dataset called " + name + " already: choose another name";
  return absl::AlreadyExistsError(ToAbsl(message));
}

// With how many items each has.
absl::Status ForEachDataset(Connection& connection, const Caller& caller, const std::string& where,
                            std::span<const store::Value> parameters,
                            const std::function<void(Dataset)>& visit) {
  return connection.Query(
      "SELECT d.id, d.name, d.t, d.type, (SELECT COALESCE(SUM(c.items), 0) FROM terms t"
      " JOIN term_counts c ON c.term = t.term WHERE t.org = d.org AND t.kind = 3"
      " AND t.name = d.id) FROM datasets d JOIN organizations o ON o.org = d.org"
      " WHERE o.id = $1 " +
          where,
      parameters, [&](const Row& row) {
        visit({.id = std::string(row.Text(0)),
               .name = std::string(row.Text(1)),
               .organization_id = caller.organization_id,
               .time_created = TimeOf(row.Integer(2)),
               .type = static_cast<DatasetType>(row.Integer(3)),
               .item_count = static_cast<uint64_t>(row.Integer(4))});
        return absl::OkStatus();
      });
}

absl::Status ChangeMembers(Core& core, const Caller& caller, const std::string& id,
                           std::span<const std::string> item_ids, bool add) {
  if (item_ids.empty()) return InvalidArgument("no ids of binary data are given");
  return core.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    ASSIGN_OR_RETURN(const int64_t term, TermOfDataset(connection, org, id));
    ASSIGN_OR_RETURN(const auto items, FindAll(connection, caller, item_ids));
    for (const StoredItem& stored : items) {
      RETURN_IF_ERROR(
          (add ? AddTerm(connection, stored, term) : RemoveTerm(connection, stored, term))
              .status());
    }
    return absl::OkStatus();
  });
}

// A dataset may have a million members.
constexpr uint64_t kPortion = 2000;

absl::Status ForMembers(Connection& connection, int64_t org, int64_t term,
                        const std::function<absl::Status(const StoredItem&)>& change) {
  const Selection selection{.org = org, .groups = {{term}}};
  std::optional<Position> after;
  while (true) {
    ASSIGN_OR_RETURN(const auto page,
                     PageOf(connection, selection, after, Order::kAscending, kPortion));
    if (page.empty()) return absl::OkStatus();
    std::vector<int64_t> items;
    items.reserve(page.size());
    for (const Position& position : page) items.push_back(position.item);
    ASSIGN_OR_RETURN(const auto portion, LoadStored(connection, items));
    for (const StoredItem& stored : portion) RETURN_IF_ERROR(change(stored));
    after = page.back();
  }
}

}  // namespace

absl::Status RequireDataset(Connection& connection, int64_t org, const std::string& id) {
  bool found = false;
  RETURN_IF_ERROR(connection.Query("SELECT 1 FROM datasets WHERE org = $1 AND id = $2", {org, id},
                                   [&](const Row&) {
                                     found = true;
                                     return absl::OkStatus();
                                   }));
  return found ? absl::OkStatus() : NoSuchDataset(id);
}

absl::StatusOr<int64_t> TermOfDataset(Connection& connection, int64_t org, const std::string& id) {
  RETURN_IF_ERROR(RequireDataset(connection, org, id));
  return MakeTerm(connection, org, TermKind::kDataset, id);
}

absl::StatusOr<std::string> CreateDatasetRow(Connection& connection, const Caller& caller,
                                             const std::string& name, Time now) {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const int64_t org, MakeOrganization(connection, caller.organization_id));
  const int64_t t = Nanoseconds(now);
  const std::string id = Sha256Hex(caller.organization_id + "\n" + name + "\n" + std::to_string(t))
                             .substr(0, kIdDigits);
  const auto inserted =
      connection.Execute("INSERT INTO datasets(org, id, name, t, type) VALUES ($1, $2, $3, $4, 0)",
                         {org, id, name, t});
  RETURN_IF_ERROR(NameTaken(inserted.status(), name));
  return id;
}

Datasets::Datasets(Core& core) : core_(core) {}

absl::StatusOr<std::string> Datasets::Create(const Caller& caller, const std::string& name,
                                             DatasetType type) {
  if (type != DatasetType::kBinaryData) {
    return Unimplemented("datasets of sequences are not supported: make one of binary data");
  }
  std::string id;
  RETURN_IF_ERROR(core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(id, CreateDatasetRow(connection, caller, name, core_.Now()));
    return absl::OkStatus();
  }));
  return id;
}

absl::Status Datasets::Rename(const Caller& caller, const std::string& id,
                              const std::string& name) {
  RETURN_IF_ERROR(CheckName(name));
  return core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    RETURN_IF_ERROR(RequireDataset(connection, org, id));
    return NameTaken(
        connection.Execute("UPDATE datasets SET name = $1 WHERE id = $2", {name, id}).status(),
        name);
  });
}

absl::Status Datasets::Delete(const Caller& caller, const std::string& id) {
  return core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    ASSIGN_OR_RETURN(const int64_t term, TermOfDataset(connection, org, id));
    int64_t snapshots = 0;
    RETURN_IF_ERROR(
        connection.Query("SELECT COUNT(*) FROM snapshots WHERE org = $1 AND dataset_id = $2",
                         {org, id}, [&](const Row& row) {
                           snapshots = row.Integer(0);
                           return absl::OkStatus();
                         }));
    if (snapshots > 0) {
      return FailedPrecondition("dataset " + id + " has " + std::to_string(snapshots) +
                                " snapshots: delete them first");
    }
    for (const char* const sql :
         {"DELETE FROM item_terms WHERE term = $1", "DELETE FROM term_counts WHERE term = $1",
          "DELETE FROM terms WHERE term = $1"}) {
      RETURN_IF_ERROR(connection.Execute(sql, {term}).status());
    }
    return connection.Execute("DELETE FROM datasets WHERE id = $1", {id}).status();
  });
}

absl::StatusOr<std::vector<Dataset>> Datasets::List(const Caller& caller) {
  std::vector<Dataset> datasets;
  const store::Value organization = std::string_view(caller.organization_id);
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) {
    return ForEachDataset(connection, caller, "ORDER BY d.name", std::span(&organization, 1),
                          [&](Dataset one) { datasets.push_back(std::move(one)); });
  }));
  return datasets;
}

absl::StatusOr<std::vector<Dataset>> Datasets::Get(const Caller& caller,
                                                   std::span<const std::string> ids) {
  std::vector<Dataset> datasets;
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    for (const std::string& id : ids) {
      const std::array<store::Value, 2> parameters = {std::string_view(caller.organization_id),
                                                      std::string_view(id)};
      RETURN_IF_ERROR(ForEachDataset(connection, caller, "AND d.id = $2", parameters,
                                     [&](Dataset one) { datasets.push_back(std::move(one)); }));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  return datasets;
}

absl::StatusOr<std::string> Datasets::Merge(const Caller& caller, std::span<const std::string> ids,
                                            const std::string& name) {
  if (ids.empty()) return InvalidArgument("no datasets to merge are given");
  std::string id;
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(id, CreateDatasetRow(connection, caller, name, core_.Now()));
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    ASSIGN_OR_RETURN(const int64_t merged, TermOfDataset(connection, org, id));
    for (const std::string& one : ids) {
      ASSIGN_OR_RETURN(const int64_t term, TermOfDataset(connection, org, one));
      RETURN_IF_ERROR(ForMembers(connection, org, term, [&](const StoredItem& stored) {
        return AddTerm(connection, stored, merged).status();
      }));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return id;
}

absl::Status Datasets::AddItems(const Caller& caller, const std::string& id,
                                std::span<const std::string> item_ids) {
  return ChangeMembers(core_, caller, id, item_ids, /*add=*/true);
}

absl::Status Datasets::RemoveItems(const Caller& caller, const std::string& id,
                                   std::span<const std::string> item_ids) {
  return ChangeMembers(core_, caller, id, item_ids, /*add=*/false);
}

}  // namespace bowerbird::data
