// SPDX-License-Identifier: Apache-2.0
//
// Everything a hub keeps: captured files, readings, annotations, datasets, snapshots, in a database
// and a store of blobs (docs/formats/store.md).
//
// One process has it open at a time. The objects that it hands out live as long as it does and may
// be used by any thread; it must not be destroyed while a call runs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "data/datasets.h"
#include "data/items.h"
#include "data/labels.h"
#include "data/readings.h"
#include "data/snapshots.h"
#include "data/upkeep.h"
#include "store/database.h"

namespace bowerbird::data {

struct CatalogOptions {
  // Made if it is missing. Holds the database and the blobs unless they are elsewhere, previews,
  // and uploads that are not finished.
  std::string directory{};
  // "sqlite", "sqlite:PATH" or "postgresql://…".
  std::string database = "sqlite";
  // "" = DIRECTORY/blobs, another directory, or "s3://BUCKET/PREFIX?endpoint=…&region=…".
  std::string blobs{};
  // "" = the system's clock.
  std::function<Time()> now{};
  // Must outlive the catalog; null = the machine's own.
  FileSystem* files = nullptr;
  // Pictures are decoded for their preview and perceptual hash soon after they arrive, by a thread
  // of lowest priority.
  bool prepare_previews = true;
};

class Catalog {
 public:
  // FAILED_PRECONDITION: another process has it open, or a newer program has written it.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(const CatalogOptions& options);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  Items& items();
  Labels& labels();
  Datasets& datasets();
  Snapshots& snapshots();
  Readings& readings();
  Upkeep& upkeep();

  // For other rooms that keep tables of their own beside these.
  store::Database& database();

  // Returns once every picture that was added before has its preview and perceptual hash.
  absl::Status WaitForPreviews();

 private:
  struct Parts;
  explicit Catalog(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace bowerbird::data
