// SPDX-License-Identifier: Apache-2.0
//
// The same thing done to each of many pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "image/picture.h"

namespace bowerbird::train {

struct ParallelOptions {
  size_t count = 0;
  int threads = 1;
  std::function<bool()> stopped{};              // asked before each
  std::function<void(size_t done)> progress{};  // from any thread, one at a time
};

// Calls `work` with each number below `count` once, from `threads` threads that end before it
// returns. CANCELLED: stopped; some were not done.
absl::Status InParallel(const ParallelOptions& options, const std::function<void(size_t)>& work);

// Larger files are refused.
inline constexpr uint64_t kMaxPictureBytes = uint64_t{64} << 20;

// The file's picture, not decoded yet.
absl::StatusOr<std::shared_ptr<const image::Picture>> ReadPicture(FileSystem& files,
                                                                  const std::string& path);

}  // namespace bowerbird::train
