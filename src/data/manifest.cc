// SPDX-License-Identifier: Apache-2.0
#include "data/manifest.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

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

// Where a record stands, by the first bytes of its hash: nearly always enough to tell two apart,
// and a quarter of what a record takes to be moved.
struct Place {
  uint64_t beginning = 0;
  size_t record = 0;
};

// By their first byte first: hashes spread evenly, and each part is then sorted within the cache.
std::vector<Place> Sorted(const std::vector<ManifestRecord>& records) {
  std::array<size_t, 257> begins{};
  for (const ManifestRecord& record : records) ++begins[record[0] + size_t{1}];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::array<size_t, 257> next = begins;
  std::vector<Place> places(records.size());
  for (size_t at = 0; at < records.size(); ++at) {
    uint64_t beginning = 0;
    for (size_t byte = 0; byte < sizeof(beginning); ++byte) {
      beginning = beginning << 8 | records[at][byte];
    }
    places[next[records[at][0]]++] = {beginning, at};
  }
  for (size_t part = 0; part + 1 < begins.size(); ++part) {
    const auto at = [&](size_t place) { return places.begin() + static_cast<ptrdiff_t>(place); };
    std::sort(at(begins[part]), at(begins[part + 1]), [&](const Place& a, const Place& b) {
      if (a.beginning != b.beginning) return a.beginning < b.beginning;
      return records[a.record] < records[b.record];
    });
  }
  return places;
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
                                          const std::vector<ManifestRecord>& records) {
  ASSIGN_OR_RETURN(const auto writer, blobs.Create());
  RETURN_IF_ERROR(writer->Append(kHead));
  std::string portion;
  for (const Place& place : Sorted(records)) {
    portion.append(reinterpret_cast<const char*>(records[place.record].data()), kRecordBytes);
    if (portion.size() < kRecordsAtOnce * kRecordBytes) continue;
    RETURN_IF_ERROR(writer->Append(portion));
    portion.clear();
  }
  if (!portion.empty()) RETURN_IF_ERROR(writer->Append(portion));
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
