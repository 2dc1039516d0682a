// SPDX-License-Identifier: Apache-2.0
//
// Content that is stored once and called by its SHA-256: files in a directory, or objects in an S3
// store. Nothing here knows what refers to a blob.
//
// Thread-safe, except that a writer or reader belongs to one thread at a time. Memory is bounded
// whatever the size of a blob. Writers and readers must not outlive their Blobs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::store {

struct BlobInfo {
  std::string hash{};  // 64 lower-case hex digits
  uint64_t size = 0;
  std::chrono::sys_time<std::chrono::nanoseconds> modified{};
};

class BlobWriter {
 public:
  // Drops what was not committed.
  virtual ~BlobWriter() = default;
  virtual absl::Status Append(std::string_view bytes) = 0;
  virtual uint64_t size() const = 0;
  // The hash of what was appended. Nothing may be appended afterwards.
  virtual const std::string& Hash() = 0;
  // The blob is durable when this returns OK. Once. Commits of several threads share syncs.
  virtual absl::StatusOr<BlobInfo> Commit() = 0;
};

class BlobReader {
 public:
  virtual ~BlobReader() = default;
  virtual uint64_t size() const = 0;
  // Up to buffer.size() bytes; fewer only at the end.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) = 0;
};

class Blobs {
 public:
  virtual ~Blobs() = default;

  virtual absl::StatusOr<std::unique_ptr<BlobWriter>> Create() = 0;
  // NOT_FOUND if there is none.
  virtual absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& hash) = 0;
  virtual absl::StatusOr<BlobInfo> Stat(const std::string& hash) = 0;
  // Removes it unless it was committed (again) within the last `age`; whether it was removed. A
  // commit of the same content that runs at the same time wins.
  virtual absl::StatusOr<bool> RemoveIfOlder(const std::string& hash, std::chrono::seconds age) = 0;
  // All of them, in the order of their hashes.
  virtual absl::Status ForEach(const std::function<absl::Status(const BlobInfo&)>& visit) = 0;
};

struct BlobsOptions {
  // A directory, or "s3://BUCKET/PREFIX?endpoint=URL&region=NAME".
  std::string location{};
  // For content that is not complete yet; on the file system of a directory `location`.
  std::string scratch{};
  FileSystem* files = nullptr;  // must outlive the blobs
  // S3 only: content beyond this is sent in parts of this size. At least 5 MiB, the store's limit.
  uint64_t s3_part_bytes = uint64_t{64} << 20;
};

// Makes what is missing; removes what an earlier process left unfinished in `scratch`, so a caller
// must hold the lock of the data directory. INVALID_ARGUMENT: a location that cannot be understood;
// FAILED_PRECONDITION: S3 without credentials.
absl::StatusOr<std::unique_ptr<Blobs>> OpenBlobs(const BlobsOptions& options);

// All of it; RESOURCE_EXHAUSTED above `limit` bytes.
absl::StatusOr<std::string> ReadBlob(Blobs& blobs, const std::string& hash, uint64_t limit);

}  // namespace bowerbird::store
