// SPDX-License-Identifier: Apache-2.0
//
// Sends one file to a hub over viam.app.datasync.v1.DataSyncService.
//
// What must hold: the same file gives the same bytes and the same metadata each time it is sent, so
// that a hub can tell that it has it already; memory does not depend on the size of the file; after
// OK the hub has everything that is in the file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/mutex.h"

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace bowerbird::capture {

// Where captures go. The channel is shared with whoever made it.
struct HubLink {
  std::shared_ptr<grpc::Channel> channel{};  // null: there is none
  std::string part_id{};
  // Where that is empty: asked before each upload, and may answer "". Any thread.
  std::function<std::string()> configured_part{};
  // Where that is empty, too: asked before an upload, until it answers. An error fails the upload,
  // which is tried again; it may not name the local file (NOT_FOUND, DATA_LOSS, INVALID_ARGUMENT).
  // Any thread, one at a time.
  std::function<absl::StatusOr<std::string>()> find_part{};
  std::string api_key_id{}, api_key{};  // "": calls carry no credentials
  bool in_process = false;              // the channel is: it has no state that could be asked for
};

// The channel of "http://host:port" (clear text), "https://host[:port]" or "host:port" (TLS), or
// "unix:/path". INVALID_ARGUMENT: none of these.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenHubChannel(const std::string& url);

struct FileLabels {
  std::vector<std::string> tags;
  std::vector<std::string> dataset_ids;
};
// Those of `labels`, and those that folders of the path name: tag=X, dataset=ID.
FileLabels LabelsOf(const std::string& path, const FileLabels& labels);

// Thread-safe.
class Uploader {
 public:
  static constexpr uint64_t kMaxUnaryBytes = 1'000'000;
  static constexpr size_t kChunkBytes = 64 * 1024;
  // Of one DataCaptureUpload with readings.
  static constexpr uint64_t kMaxTabularBytes = uint64_t{16} << 20;

  // `sent` is told how many bytes of content went out.
  Uploader(FileSystem& files, HubLink hub, std::function<void(uint64_t)> sent);

  // How many records the file has, all of which the hub has now. Errors that come again with every
  // try: INVALID_ARGUMENT of the hub; DATA_LOSS: the file is damaged (what is whole of it was
  // sent). NOT_FOUND: the file itself is gone. Others may pass.
  absl::StatusOr<int> UploadCapture(const std::string& path);
  // The id that the hub gave.
  absl::StatusOr<std::string> UploadFile(const std::string& path, const FileLabels& labels);
  // A closed sequence (sequences.h). INVALID_ARGUMENT also where the hub keeps no sequences. A hub
  // that is asked twice may have it twice: the wire gives it no id of ours.
  absl::Status UploadSequence(const std::string& path);

  bool connected() const { return hub_.channel != nullptr; }
  // Whether there is a connection right now; asks for one where there is none.
  bool Ready() const;

  // Calls under way, and all later ones, end with CANCELLED.
  void Cancel();

 private:
  class Call;
  class CaptureUpload;

  absl::StatusOr<std::string> Token();
  absl::StatusOr<std::string> PartId();
  void ForgetToken();
  // Again with a new token where the old one is not taken.
  absl::Status WithToken(const std::function<absl::Status()>& upload);

  FileSystem& files_;
  const HubLink hub_;
  const std::function<void(uint64_t)> sent_;
  Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  Mutex part_mutex_;  // held while the part is asked for
  std::string part_id_ ABSL_GUARDED_BY(part_mutex_);
  std::set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bowerbird::capture
