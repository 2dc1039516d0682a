// SPDX-License-Identifier: Apache-2.0
#include "data/catalog.h"

#include <utility>

#include "base/status.h"
#include "data/core.h"
#include "data/previews.h"
#include "data/schema.h"

namespace bowerbird::data {

struct Catalog::Parts {
  Parts(std::unique_ptr<FileSystem> files, std::unique_ptr<Core> shared, bool prepare_previews)
      : own_files(std::move(files)), core(std::move(shared)), previews(*core, prepare_previews) {}

  const std::unique_ptr<FileSystem> own_files;
  const std::unique_ptr<Core> core;
  Previews previews;
  Items items{*core, previews};
  Labels labels{*core};
  Datasets datasets{*core};
  Snapshots snapshots{*core, previews};
  Readings readings{*core};
  Upkeep upkeep{*core};
};

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(const CatalogOptions& options) {
  std::unique_ptr<FileSystem> own_files;
  FileSystem* files = options.files;
  if (files == nullptr) {
    own_files = MakeFileSystem();
    files = own_files.get();
  }
  RETURN_IF_ERROR(files->MakeDirectories(options.directory));
  store::DatabaseOptions database_options{.location = options.database, .migrations = Migrations()};
  if (options.database == "sqlite") {
    database_options.location = "sqlite:" + options.directory + "/bowerbird.db";
  }
  // First: it holds the lock against another process, which would still need what lies in scratch.
  ASSIGN_OR_RETURN(auto database, store::OpenDatabase(database_options));
  ASSIGN_OR_RETURN(
      auto blobs, store::OpenBlobs({.location = options.blobs.empty() ? options.directory + "/blobs"
                                                                      : options.blobs,
                                    .scratch = options.directory + "/scratch",
                                    .files = files}));
  std::function<Time()> now = options.now;
  if (now == nullptr) {
    now = [] {
      return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    };
  }
  auto core = std::make_unique<Core>(std::move(database), std::move(blobs), *files,
                                     options.directory, std::move(now));
  return std::unique_ptr<Catalog>(new Catalog(
      std::make_unique<Parts>(std::move(own_files), std::move(core), options.prepare_previews)));
}

Catalog::Catalog(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Catalog::~Catalog() = default;

Items& Catalog::items() { return parts_->items; }
Labels& Catalog::labels() { return parts_->labels; }
Datasets& Catalog::datasets() { return parts_->datasets; }
Snapshots& Catalog::snapshots() { return parts_->snapshots; }
Readings& Catalog::readings() { return parts_->readings; }
Upkeep& Catalog::upkeep() { return parts_->upkeep; }
store::Database& Catalog::database() { return parts_->core->database(); }
absl::Status Catalog::WaitForPreviews() { return parts_->previews.WaitUntilDone(); }

}  // namespace bowerbird::data
