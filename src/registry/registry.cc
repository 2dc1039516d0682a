// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/status.h"
#include "nlohmann/json.hpp"
#include "registry/schema.h"

namespace bowerbird::registry {
namespace {

using store::Connection;
using store::Row;
using store::Value;
using Json = nlohmann::json;

constexpr std::chrono::seconds kLeftoverAge{3600};
constexpr size_t kPiece = size_t{256} << 10;

std::string Called(const std::string& name, const std::string& version) {
  return "model " + name + (version.empty() ? "" : " version " + version);
}

absl::Status Missing(const std::string& name, const std::string& version) {
  return NotFound("there is no " + Called(name, version) + ": see `bowerbird model list`");
}

absl::Status Taken(const std::string& name, const std::string& version) {
  return absl::AlreadyExistsError(ToAbsl("there is or was a " + Called(name, version) +
                                         ": a version never changes, choose another one"));
}

std::vector<std::string> LabelsOf(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> labels;
  if (!json.is_array()) return labels;
  for (const Json& one : json) {
    if (one.is_string()) labels.push_back(one.get<std::string>());
  }
  return labels;
}

ModelVersion ReadModel(const Row& row) {
  return {.organization_id = std::string(row.Text(0)),
          .name = std::string(row.Text(1)),
          .version = std::string(row.Text(2)),
          .created = Time(std::chrono::nanoseconds(row.Integer(3))),
          .task = static_cast<ModelTask>(row.Integer(4)),
          .labels = LabelsOf(row.Text(5)),
          .files = {},
          .card = std::string(row.Text(6)),
          .job_id = std::string(row.Text(7)),
          .snapshot_id = std::string(row.Text(8))};
}

absl::StatusOr<bool> IsTaken(Connection& connection, const std::string& organization,
                             const std::string& name, const std::string& version) {
  bool taken = false;
  RETURN_IF_ERROR(connection.Query(
      "SELECT 1 FROM registry_models WHERE org = $1 AND name = $2 AND version = $3",
      {organization, name, version}, [&](const Row&) {
        taken = true;
        return absl::OkStatus();
      }));
  return taken;
}

absl::Status Insert(Connection& connection, const ModelVersion& model) {
  const std::string labels =
      Json(model.labels).dump(-1, ' ', false, Json::error_handler_t::replace);
  RETURN_IF_ERROR(
      connection
          .Execute("INSERT INTO registry_models(org, name, version, t, task, labels, card, job,"
                   " snapshot, deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
                   {model.organization_id, model.name, model.version,
                    model.created.time_since_epoch().count(), static_cast<int64_t>(model.task),
                    labels, model.card, model.job_id, model.snapshot_id})
          .status());
  for (const ModelFile& file : model.files) {
    RETURN_IF_ERROR(connection
                        .Execute("INSERT INTO registry_files(org, name, version, file, size, hash)"
                                 " VALUES ($1, $2, $3, $4, $5, $6)",
                                 {model.organization_id, model.name, model.version, file.name,
                                  static_cast<int64_t>(file.size), file.hash})
                        .status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckModelName(std::string_view what, std::string_view name, bool dots) {
  const bool fits = !name.empty() && name.size() <= 100 && name.front() != '.' &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
                             c == '_' || (dots && c == '.');
                    });
  if (fits) return absl::OkStatus();
  return InvalidArgument("a " + std::string(what) + " has 1 to 100 letters, digits, '-' and '_'" +
                         (dots ? " and '.'" : "") + ": choose another one");
}

absl::StatusOr<std::unique_ptr<Registry>> Registry::Open(RegistryOptions options) {
  if (options.now == nullptr) {
    options.now = [] {
      return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    };
  }
  RETURN_IF_ERROR(Annotate(MakeTables(*options.database), "the registry's tables"));
  const std::string location = options.blobs.empty() ? options.directory + "/files" : options.blobs;
  ASSIGN_OR_RETURN(auto blobs, store::OpenBlobs({.location = location,
                                                 .scratch = options.directory + "/scratch",
                                                 .files = options.files}));
  std::unique_ptr<Registry> registry(new Registry(std::move(options), std::move(blobs)));
  RETURN_IF_ERROR(Annotate(registry->RemoveLeftovers(), "the files of models"));
  return registry;
}

// A crash between a file and its version leaves the file.
absl::Status Registry::RemoveLeftovers() {
  std::set<std::string> used;
  RETURN_IF_ERROR(options_.database->Read([&](Connection& connection) {
    used.clear();
    return connection.Query("SELECT DISTINCT hash FROM registry_files", {}, [&](const Row& row) {
      used.emplace(row.Text(0));
      return absl::OkStatus();
    });
  }));
  std::vector<std::string> unused;
  RETURN_IF_ERROR(blobs_->ForEach([&](const store::BlobInfo& blob) {
    if (!used.contains(blob.hash)) unused.push_back(blob.hash);
    return absl::OkStatus();
  }));
  for (const std::string& hash : unused)
    RETURN_IF_ERROR(blobs_->RemoveIfOlder(hash, kLeftoverAge).status());
  return absl::OkStatus();
}

absl::Status Registry::CheckFree(const std::string& organization_id, const std::string& name,
                                 const std::string& version) {
  RETURN_IF_ERROR(CheckModelName("model name", name, /*dots=*/false));
  RETURN_IF_ERROR(CheckModelName("model version", version, /*dots=*/true));
  return options_.database->Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const bool taken, IsTaken(connection, organization_id, name, version));
    return taken ? Taken(name, version) : absl::OkStatus();
  });
}

absl::StatusOr<ModelFile> Registry::Keep(const std::string& name, const std::string& path) {
  ASSIGN_OR_RETURN(const auto file, options_.files->OpenForReading(path));
  ASSIGN_OR_RETURN(const auto blob, blobs_->Create());
  std::string piece;
  for (uint64_t offset = 0;; offset += piece.size()) {
    piece.resize(kPiece);
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, piece));
    if (count == 0) break;
    piece.resize(count);
    RETURN_IF_ERROR(blob->Append(piece));
  }
  ASSIGN_OR_RETURN(const store::BlobInfo kept, blob->Commit());
  return ModelFile{.name = name, .size = kept.size, .hash = kept.hash};
}

absl::StatusOr<ModelVersion> Registry::Add(const NewModel& model) {
  RETURN_IF_ERROR(CheckFree(model.organization_id, model.name, model.version));
  ModelVersion made{.organization_id = model.organization_id,
                    .name = model.name,
                    .version = model.version,
                    .created = options_.now(),
                    .task = model.task,
                    .labels = model.labels,
                    .files = {},
                    .card = model.card,
                    .job_id = model.job_id,
                    .snapshot_id = model.snapshot_id};
  MutexLock lock(files_mutex_);
  for (const auto& [name, path] : model.files) {
    ASSIGN_OR_RETURN(ModelFile file, Keep(name, path));
    made.files.push_back(std::move(file));
  }
  std::sort(made.files.begin(), made.files.end(),
            [](const ModelFile& a, const ModelFile& b) { return a.name < b.name; });
  const absl::Status done = options_.database->Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const bool taken,
                     IsTaken(connection, made.organization_id, made.name, made.version));
    return taken ? Taken(made.name, made.version) : Insert(connection, made);
  });
  RETURN_IF_ERROR(done);
  return made;
}

absl::StatusOr<std::vector<ModelVersion>> Registry::Load(const std::string& where,
                                                         const std::vector<Value>& values) {
  std::vector<ModelVersion> models;
  const absl::Status done = options_.database->Read([&](Connection& connection) -> absl::Status {
    models.clear();
    RETURN_IF_ERROR(connection.Query(
        "SELECT org, name, version, t, task, labels, card, job, snapshot FROM registry_models"
        " WHERE deleted = 0 AND " +
            where + " ORDER BY name, t DESC, version DESC",
        values, [&](const Row& row) {
          models.push_back(ReadModel(row));
          return absl::OkStatus();
        }));
    for (ModelVersion& model : models) {
      RETURN_IF_ERROR(connection.Query(
          "SELECT file, size, hash FROM registry_files WHERE org = $1 AND name = $2"
          " AND version = $3 ORDER BY file",
          {model.organization_id, model.name, model.version}, [&](const Row& row) {
            model.files.push_back({.name = std::string(row.Text(0)),
                                   .size = static_cast<uint64_t>(row.Integer(1)),
                                   .hash = std::string(row.Text(2))});
            return absl::OkStatus();
          }));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(done);
  return models;
}

absl::StatusOr<std::vector<ModelVersion>> Registry::List(const std::string& organization_id,
                                                         const std::string& name) {
  if (name.empty()) return Load("org = $1", {organization_id});
  return Load("org = $1 AND name = $2", {organization_id, name});
}

absl::StatusOr<ModelVersion> Registry::Get(const std::string& organization_id,
                                           const std::string& name, const std::string& version) {
  ASSIGN_OR_RETURN(auto found, version.empty() ? List(organization_id, name)
                                               : Load("org = $1 AND name = $2 AND version = $3",
                                                      {organization_id, name, version}));
  if (found.empty() || name.empty()) return Missing(name, version);
  return std::move(found.front());
}

absl::StatusOr<ModelVersion> Registry::OfJob(const std::string& job_id) {
  ASSIGN_OR_RETURN(auto found, Load("job = $1", {job_id}));
  if (found.empty()) return NotFound("no model was made by the job " + job_id);
  return std::move(found.front());
}

absl::StatusOr<std::unique_ptr<store::BlobReader>> Registry::OpenFile(const ModelFile& file) {
  return blobs_->Open(file.hash);
}

absl::Status Registry::Delete(const std::string& organization_id, const std::string& name,
                              const std::string& version) {
  MutexLock lock(files_mutex_);
  ASSIGN_OR_RETURN(const ModelVersion model, Get(organization_id, name, version));
  std::vector<std::string> unused;
  const absl::Status done = options_.database->Write([&](Connection& connection) -> absl::Status {
    unused.clear();
    ASSIGN_OR_RETURN(const int64_t changed,
                     connection.Execute("UPDATE registry_models SET deleted = 1 WHERE org = $1 AND"
                                        " name = $2 AND version = $3 AND deleted = 0",
                                        {organization_id, model.name, model.version}));
    if (changed == 0) return Missing(name, version);
    RETURN_IF_ERROR(
        connection
            .Execute("DELETE FROM registry_files WHERE org = $1 AND name = $2 AND version = $3",
                     {organization_id, model.name, model.version})
            .status());
    for (const ModelFile& file : model.files) {
      bool used = false;
      RETURN_IF_ERROR(connection.Query("SELECT 1 FROM registry_files WHERE hash = $1 LIMIT 1",
                                       {file.hash}, [&](const Row&) {
                                         used = true;
                                         return absl::OkStatus();
                                       }));
      if (!used) unused.push_back(file.hash);
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(done);
  // Another hub may be adding the same content to a store that it shares with this one.
  const auto age = options_.blobs.empty() ? std::chrono::seconds(0) : kLeftoverAge;
  for (const std::string& hash : unused) RETURN_IF_ERROR(blobs_->RemoveIfOlder(hash, age).status());
  return absl::OkStatus();
}

}  // namespace bowerbird::registry
