// SPDX-License-Identifier: Apache-2.0
//
// Models: named, in versions that never change, each with its files, its labels and a card that
// says where it comes from and how good it is.
//
// - A version is there with all of its files, durably, or not at all.
// - A name and version mean one content for ever: a version that was deleted is not given out
// again.
// - Files are blobs of the registry's own, called by their SHA-256 and kept once, in its folder or
//   in S3. What nothing refers to after an hour is removed when the registry is opened.
// Thread-safe. One process has folder and database open at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "store/blobs.h"
#include "store/database.h"

namespace bowerbird::registry {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// The items that a model was made of, a JSON object a line: "id", "sha256", "split".
inline constexpr char kItemsFile[] = "items.jsonl";

struct ModelFile {
  std::string name{};  // "model.tflite"
  uint64_t size = 0;
  std::string hash{};  // SHA-256, 64 hex digits
};

// What a model tells of a picture. The values are stored.
enum class ModelTask { kUnknown = 0, kSingleLabel = 1, kMultiLabel = 2, kDetection = 3 };

struct ModelVersion {
  std::string organization_id{}, name{}, version{};
  Time created{};
  ModelTask task = ModelTask::kUnknown;
  std::vector<std::string> labels{};
  std::vector<ModelFile> files{};  // by name
  std::string card = "{}";         // a JSON object
  std::string job_id{};            // "" = no job of this hub made it
  std::string snapshot_id{};       // of the dataset that it was made of
};

struct NewModel {
  std::string organization_id{}, name{}, version{};
  ModelTask task = ModelTask::kUnknown;
  std::vector<std::string> labels{};
  std::string card = "{}";
  std::string job_id{}, snapshot_id{};
  std::vector<std::pair<std::string, std::string>> files{};  // name, path to read it from
};

struct RegistryOptions {
  store::Database* database = nullptr;  // must outlive the registry, as must `files`
  FileSystem* files = nullptr;
  std::string directory{};      // made if it is missing
  std::string blobs{};          // of its files: "" = DIRECTORY/files, or an s3:// location
  std::function<Time()> now{};  // empty = the system's clock
};

class Registry {
 public:
  static absl::StatusOr<std::unique_ptr<Registry>> Open(RegistryOptions options);

  // INVALID_ARGUMENT: a name or version that cannot be (letters, digits, "-", "_" and, in versions,
  // "."; up to 100 bytes). ALREADY_EXISTS: there is or was such a version.
  absl::Status CheckFree(const std::string& organization_id, const std::string& name,
                         const std::string& version);
  // As CheckFree. Files are copied.
  absl::StatusOr<ModelVersion> Add(const NewModel& model);

  // By name, the newest version first. `name` "" = all.
  absl::StatusOr<std::vector<ModelVersion>> List(const std::string& organization_id,
                                                 const std::string& name = "");
  // `version` "" = the newest. NOT_FOUND.
  absl::StatusOr<ModelVersion> Get(const std::string& organization_id, const std::string& name,
                                   const std::string& version = "");
  // The version that a job made; NOT_FOUND.
  absl::StatusOr<ModelVersion> OfJob(const std::string& job_id);
  absl::StatusOr<std::unique_ptr<store::BlobReader>> OpenFile(const ModelFile& file);
  // NOT_FOUND. Its files go where no other version has them.
  absl::Status Delete(const std::string& organization_id, const std::string& name,
                      const std::string& version);

 private:
  Registry(RegistryOptions options, std::unique_ptr<store::Blobs> blobs)
      : options_(std::move(options)), blobs_(std::move(blobs)) {}
  absl::StatusOr<std::vector<ModelVersion>> Load(const std::string& where,
                                                 const std::vector<store::Value>& values);
  absl::Status RemoveLeftovers();
  absl::StatusOr<ModelFile> Keep(const std::string& name, const std::string& path);

  const RegistryOptions options_;
  const std::unique_ptr<store::Blobs> blobs_;
  // A file is kept and its version written, or looked for and removed, without another between.
  Mutex files_mutex_;
};

// See Registry::CheckFree. `what`: "model name", "model version".
absl::Status CheckModelName(std::string_view what, std::string_view name, bool dots);

}  // namespace bowerbird::registry
