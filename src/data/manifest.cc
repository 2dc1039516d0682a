// SPDX-License-Identifier: Apache-2.0
#include "data/manifest.h"

#include <algorithm>
#include <cstring>

#include "base/status.h"

namespace bowerbird::data {
namespace {

constexpr std::string_view kHead = "bowerbird snapshot 1\n";
constexpr size_t kHashBytes = 32;
constexpr size_t kRecordBytes = sizeof(ManifestRecord);
constexpr size_t kRecordsAtOnce = 4096;

std::string_view Part(const ManifestRecord& record, size_t from) {
  return {reinterpret_cast<const char*>(record.data()) + from, kHashBytes};
}

absl::Status Damaged(const std::string& id) {
  const std::string message =
      "the manifest of snapshot " + id + " is missing or damaged: restore it from a backup";
  return absl::DataLossError(ToAbsl(message));
}

}  // namespace

std::string_view ItemHashOf(const ManifestRecord& record) { return Part(record, 0); }
std::string_view AnnotationHashOf(const ManifestRecord& record) { return Part(record, kHashBytes); }

ManifestRecord MakeRecord(std::string_view item_hash, std::string_view annotation_hash,
                          annotation::Split split) {
  ManifestRecord record{};
  std::memcpy(record.data(), item_hash.data(), std::min(item_hash.size(), kHashBytes));
  std::memcpy(record.data() + kHashBytes, annotation_hash.data(),
              std::min(annotation_hash.size(), kHashBytes));
  record[2 * kHashBytes] = static_cast<unsigned char>(split);
  return record;
}

absl::StatusOr<std::string> StoreManifest(store::Blobs& blobs,
                                          std::vector<ManifestRecord>& records) {
  std::sort(records.begin(), records.end(), [](const ManifestRecord& a, const ManifestRecord& b) {
    return std::memcmp(a.data(), b.data(), kRecordBytes) < 0;
  });
  ASSIGN_OR_RETURN(const auto writer, blobs.Create());
  RETURN_IF_ERROR(writer->Append(kHead));
  for (size_t at = 0; at < records.size(); at += kRecordsAtOnce) {
    const size_t count = std::min(kRecordsAtOnce, records.size() - at);
    RETURN_IF_ERROR(
        writer->Append({reinterpret_cast<const char*>(records[at].data()), count * kRecordBytes}));
  }
  ASSIGN_OR_RETURN(const store::BlobInfo info, writer->Commit());
  return info.hash;
}

absl::StatusOr<ManifestReader> ManifestReader::Open(store::Blobs& blobs, const std::string& id) {
  auto blob = blobs.Open(id);
  if (absl::IsNotFound(blob.status())) return Damaged(id);
  RETURN_IF_ERROR(blob.status());
  const uint64_t size = (*blob)->size();
  std::string head(kHead.size(), '\0');
  ASSIGN_OR_RETURN(const size_t count, (*blob)->ReadAt(0, head));
  if (count != kHead.size() || head != kHead || (size - kHead.size()) % kRecordBytes != 0) {
    return Damaged(id);
  }
  ManifestReader reader(*std::move(blob));
  reader.offset_ = kHead.size();
  return reader;
}

absl::StatusOr<std::optional<ManifestRecord>> ManifestReader::Next() {
  if (at_ == buffer_.size()) {
    buffer_.resize(kRecordsAtOnce * kRecordBytes);
    ASSIGN_OR_RETURN(const size_t count, blob_->ReadAt(offset_, buffer_));
    buffer_.resize(count - count % kRecordBytes);
    offset_ += buffer_.size();
    at_ = 0;
    if (buffer_.empty()) {
      if (offset_ < blob_->size()) {
        return absl::DataLossError("the manifest of a snapshot ends too early");
      }
      return std::optional<ManifestRecord>();
    }
  }
  ManifestRecord record{};
  std::memcpy(record.data(), buffer_.data() + at_, kRecordBytes);
  at_ += kRecordBytes;
  // Whoever compares two manifests relies on the order.
  if (record[kRecordBytes - 1] > static_cast<unsigned char>(annotation::Split::kTest) ||
      std::memcmp(last_.data(), record.data(), kRecordBytes) > 0) {
    return absl::DataLossError("the manifest of a snapshot is damaged");
  }
  last_ = record;
  return std::optional<ManifestRecord>(record);
}

}  // namespace bowerbird::data
