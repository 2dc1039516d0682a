// SPDX-License-Identifier: Apache-2.0
//
// Blobs as files: LOCATION/ab/abcdef…, two digits of the hash as folder.
//
// A blob is written to the scratch folder, synced, renamed to its name, and the folder of that name
// is synced: whatever is under a hash is whole. Writers sync at the same time, each for itself: a
// journaling file system serves them together, and handing the work to one of them for all was
// measured to be slower.
#pragma once

#include <memory>

#include "store/blobs.h"

namespace bowerbird::store {

absl::StatusOr<std::unique_ptr<Blobs>> OpenFileBlobs(const BlobsOptions& options);

}  // namespace bowerbird::store
