// SPDX-License-Identifier: Apache-2.0
//
// What one capture of a method is: the call on the resource and the records that come of it.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "capture/config.h"
#include "capture/record.h"
#include "machine/catalog.h"

namespace bowerbird::capture {

// What triggers look at besides the pictures themselves.
struct Capture {
  std::vector<Captured> items;                // one, or one for each image
  std::vector<vision::Detection> detections;  // all of them, before any threshold
  std::vector<vision::Classification> classifications;
  bool has_findings = false;  // the method asked a vision service
};

// OK if `method` can be captured at all: a known method of a known API with the parameters that it
// needs. INVALID_ARGUMENT says what is wrong.
absl::Status CheckMethod(const CaptureMethod& method);

// What belongs to one read of a method, besides the method.
struct ReadOptions {
  const std::vector<std::string>& tags;  // of the manager; the method's come after them
  Time requested;
  // Where the sound of the read before ended, nanoseconds since 1970; 0 at first. Written by reads
  // of sound, so that each goes on where the one before was.
  int64_t* sound_end_ns = nullptr;
};

// Reads once. FAILED_PRECONDITION with IsFiltered: there is nothing to store, which is no error.
absl::StatusOr<Capture> ReadOnce(const Context& context, const machine::ResourceFinder& finder,
                                 const CaptureMethod& method, const ReadOptions& options);

// A resource's way to say that this reading is not to be stored.
bool IsFiltered(const absl::Status& status);

}  // namespace bowerbird::capture
