// SPDX-License-Identifier: Apache-2.0
//
// One picture of a dataset with what is said about it, sent to a hub.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "annotation/values.h"
#include "app/data_import.h"
#include "app/datasync/v1/data_sync.pb.h"
#include "app/hub_client.h"
#include "base/file_system.h"

namespace bowerbird::app {

struct SentFile {
  std::string id;  // binary_data_id
  uint64_t bytes = 0;
};

// Thread-safe.
class PictureSender {
 public:
  // `pictures`: what paths of pictures are relative to. `run`: the time it counts as received.
  PictureSender(const HubClient& hub, const ImportOptions& options, std::string pictures,
                std::string part_id, const google::protobuf::Timestamp& run)
      : hub_(hub),
        options_(options),
        pictures_(std::move(pictures)),
        part_id_(std::move(part_id)),
        run_(run) {}

  // INVALID_ARGUMENT, NOT_FOUND: this picture will never be taken.
  absl::StatusOr<SentFile> Send(const annotation::AnnotatedImage& image) const;

  std::string PathOf(const annotation::AnnotatedImage& image) const {
    return pictures_ + "/" + image.path;
  }

 private:
  absl::StatusOr<std::string> SendWhole(
      const ReadableFile& file, uint64_t size,
      const viam::app::datasync::v1::UploadMetadata& upload,
      const viam::app::datasync::v1::SensorMetadata& sensor) const;
  absl::StatusOr<std::string> SendInPieces(
      const ReadableFile& file, const viam::app::datasync::v1::UploadMetadata& upload,
      const viam::app::datasync::v1::SensorMetadata& sensor) const;

  const HubClient& hub_;
  const ImportOptions& options_;
  const std::string pictures_, part_id_;
  const google::protobuf::Timestamp run_;
  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
};

}  // namespace bowerbird::app
