// SPDX-License-Identifier: Apache-2.0
//
// The zip archive that may follow the FlatBuffer in a .tflite file, with label files and the like.
// Stored and deflated entries; no encryption, no ZIP64, no multi-disk archives. Nothing in the
// archive is trusted: every offset is checked, and no entry inflates beyond the caller's limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::tflite {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  // 0 stored, 8 deflated
  uint32_t crc32 = 0;
  uint32_t compressed_size = 0;
  uint32_t size = 0;
  size_t header_offset = 0;  // of the local header, in the file
};

// The central directory at the end of `file`; empty if `file` ends with no zip archive.
// INVALID_ARGUMENT: there is one and it is damaged, or it has more than 1,000 entries.
absl::StatusOr<std::vector<ZipEntry>> ReadZipDirectory(std::span<const std::byte> file);

// The contents of `entry`, of `max_size` bytes at most (RESOURCE_EXHAUSTED beyond). The checksum
// is verified.
absl::StatusOr<std::string> ReadZipEntry(std::span<const std::byte> file, const ZipEntry& entry,
                                         size_t max_size);

}  // namespace bowerbird::tflite
