// SPDX-License-Identifier: Apache-2.0
//
// An object sent to an S3 store in parts, which is how one becomes larger than 5 GB, and how a
// broken line costs one part and not the whole of it. Memory does not depend on the size.
//
// What fails is aborted, so that the store drops the parts that it has. A process that is killed in
// between cannot do that: buckets have a lifecycle rule for it (AbortIncompleteMultipartUpload).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/file_system.h"
#include "store/s3_client.h"

namespace bowerbird::store {

// S3 refuses smaller parts but the last, and more than that many.
inline constexpr uint64_t kLeastS3Part = uint64_t{5} << 20;
inline constexpr uint64_t kMostS3Parts = 10'000;

struct S3Parts {
  std::string key{};
  uint64_t size = 0;
  uint64_t part_bytes = uint64_t{64} << 20;  // of every part but the last
};

// All `size` bytes of `file` as the object. The object is there, whole, when this returns OK; else
// what was there before.
absl::Status PutInParts(S3Client& client, const ReadableFile& file, const S3Parts& parts);

}  // namespace bowerbird::store
