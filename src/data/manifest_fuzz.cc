// SPDX-License-Identifier: Apache-2.0
//
// Manifests of snapshots. Any bytes: an error, or as many records in order as the length says. And
// records of any content: what is stored is read back, sorted.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "base/sha256.h"
#include "data/manifest.h"

namespace bowerbird::data {
namespace {

constexpr std::string_view kHead = "bowerbird snapshot 1\n";

using Contents = std::map<std::string, std::string>;

class MemoryReader : public store::BlobReader {
 public:
  explicit MemoryReader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    if (offset >= bytes_.size()) return size_t{0};
    return bytes_.copy(buffer.data(), buffer.size(), offset);
  }

 private:
  const std::string_view bytes_;
};

class MemoryWriter : public store::BlobWriter {
 public:
  explicit MemoryWriter(Contents& contents) : contents_(contents) {}
  absl::Status Append(std::string_view bytes) override {
    bytes_ += bytes;
    return absl::OkStatus();
  }
  uint64_t size() const override { return bytes_.size(); }
  const std::string& Hash() override {
    hash_ = Sha256Hex(std::as_bytes(std::span(bytes_)));
    return hash_;
  }
  absl::StatusOr<store::BlobInfo> Commit() override {
    contents_[Hash()] = bytes_;
    return store::BlobInfo{.hash = hash_, .size = bytes_.size()};
  }

 private:
  Contents& contents_;
  std::string bytes_, hash_;
};

class MemoryBlobs : public store::Blobs {
 public:
  absl::StatusOr<std::unique_ptr<store::BlobWriter>> Create() override {
    return std::make_unique<MemoryWriter>(contents);
  }
  absl::StatusOr<std::unique_ptr<store::BlobReader>> Open(const std::string& hash) override {
    const auto found = contents.find(hash);
    if (found == contents.end()) return absl::NotFoundError("no such content");
    return std::make_unique<MemoryReader>(found->second);
  }
  absl::StatusOr<store::BlobInfo> Stat(const std::string&) override {
    return absl::UnimplementedError("not read by manifests");
  }
  absl::StatusOr<bool> RemoveIfOlder(const std::string&, std::chrono::seconds) override {
    return absl::UnimplementedError("not read by manifests");
  }
  absl::Status ForEach(const std::function<absl::Status(const store::BlobInfo&)>&) override {
    return absl::UnimplementedError("not read by manifests");
  }
  Contents contents;
};

void Expect(bool holds) {
  if (!holds) std::abort();
}

absl::StatusOr<std::vector<ManifestRecord>> ReadAll(MemoryBlobs& blobs, const std::string& id) {
  std::vector<ManifestRecord> records;
  auto reader = ManifestReader::Open(blobs, id);
  if (!reader.ok()) return reader.status();
  while (true) {
    const auto next = reader->Next();
    if (!next.ok()) return next.status();
    if (!next->has_value()) return records;
    records.push_back(**next);
  }
}

void CheckAnyBytes(std::string bytes) {
  MemoryBlobs blobs;
  const size_t size = bytes.size();
  blobs.contents["any"] = std::move(bytes);
  const auto records = ReadAll(blobs, "any");
  if (!records.ok()) {
    Expect(records.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  Expect(size == kHead.size() + records->size() * sizeof(ManifestRecord));
  Expect(std::is_sorted(records->begin(), records->end()));
}

void CheckRecords(std::string_view bytes) {
  std::vector<ManifestRecord> records;
  for (; bytes.size() >= 3; bytes.remove_prefix(3)) {
    records.push_back(
        MakeRecord(std::string(32, bytes[0]), std::string(32, bytes[1]),
                   static_cast<annotation::Split>(static_cast<unsigned char>(bytes[2]) % 3)));
  }
  MemoryBlobs blobs;
  auto sorted = records;
  std::sort(sorted.begin(), sorted.end());
  const auto id = StoreManifest(blobs, records);
  Expect(id.ok());
  const auto read = ReadAll(blobs, *id);
  Expect(read.ok() && *read == sorted);
}

}  // namespace
}  // namespace bowerbird::data

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::data;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckAnyBytes(std::string(bytes));
  CheckAnyBytes(std::string(kHead) + std::string(bytes));
  CheckRecords(bytes);
  return 0;
}
