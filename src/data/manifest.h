// SPDX-License-Identifier: Apache-2.0
//
// The manifest of a snapshot (docs/formats/snapshot.md): the line "bowerbird snapshot 1\n", then
// one record of 65 bytes for each item, sorted by their bytes. Internal to this room.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/values.h"
#include "store/blobs.h"

namespace bowerbird::data {

// Item hash (32), annotation hash (32), side of the split (1: 0 training, 1 validation, 2 test).
using ManifestRecord = std::array<unsigned char, 65>;

std::string_view ItemHashOf(const ManifestRecord& record);
std::string_view AnnotationHashOf(const ManifestRecord& record);
inline annotation::Split SplitOf(const ManifestRecord& record) {
  return static_cast<annotation::Split>(record[64]);
}
ManifestRecord MakeRecord(std::string_view item_hash, std::string_view annotation_hash,
                          annotation::Split split);

// Stores the records, sorted. The hash of the manifest is the snapshot's id.
absl::StatusOr<std::string> StoreManifest(store::Blobs& blobs,
                                          const std::vector<ManifestRecord>& records);

// Reads one record after the other, in bounded memory.
class ManifestReader {
 public:
  // DATA_LOSS: it is missing or not a manifest.
  static absl::StatusOr<ManifestReader> Open(store::Blobs& blobs, const std::string& id);
  // nullopt at the end. DATA_LOSS: it ends too early, or has records that StoreManifest does not
  // write or in another order.
  absl::StatusOr<std::optional<ManifestRecord>> Next();

 private:
  explicit ManifestReader(std::unique_ptr<store::BlobReader> blob) : blob_(std::move(blob)) {}
  std::unique_ptr<store::BlobReader> blob_;
  uint64_t offset_ = 0;
  std::string buffer_;
  size_t at_ = 0;
  ManifestRecord last_{};
};

}  // namespace bowerbird::data
