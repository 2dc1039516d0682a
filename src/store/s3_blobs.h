// SPDX-License-Identifier: Apache-2.0
//
// Blobs as objects of an S3 store, by path-style requests: ENDPOINT/BUCKET/PREFIX/ab/abcdef….
// Content is spooled to the scratch folder first, because its hash is its name and is signed with
// the request. Up to BlobsOptions::s3_part_bytes it is sent in one PUT, above that in parts of so
// many bytes.
#pragma once

#include <memory>

#include "store/blobs.h"

namespace bowerbird::store {

// Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
absl::StatusOr<std::unique_ptr<Blobs>> OpenS3Blobs(const BlobsOptions& options);

}  // namespace bowerbird::store
