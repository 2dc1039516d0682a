// SPDX-License-Identifier: Apache-2.0
#include "store/s3_blobs.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <set>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"
#include "store/s3_client.h"
#include "store/s3_multipart.h"
#include "store/scratch.h"

namespace bowerbird::store {
namespace {

// A range of an object that a reader fetches and keeps.
constexpr uint64_t kReadAhead = uint64_t{1} << 20;

std::chrono::sys_time<std::chrono::nanoseconds> TimeOf(int64_t seconds) {
  return std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::seconds(seconds));
}

class S3Reader : public BlobReader {
 public:
  S3Reader(S3Client& client, std::string key, uint64_t size)
      : client_(client), key_(std::move(key)), size_(size) {}
  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    size_t done = 0;
    while (done < buffer.size() && offset + done < size_) {
      RETURN_IF_ERROR(Fetch(offset + done));
      const uint64_t inside = offset + done - begin_;
      const size_t count =
          std::min(buffer.size() - done, static_cast<size_t>(piece_.size() - inside));
      std::memcpy(buffer.data() + done, piece_.data() + inside, count);
      done += count;
    }
    return done;
  }

 private:
  absl::Status Fetch(uint64_t offset) {
    if (offset >= begin_ && offset < begin_ + piece_.size()) return absl::OkStatus();
    const uint64_t end = std::min(size_, offset + kReadAhead);
    S3Request request{.key = key_, .answer_limit = kReadAhead};
    request.headers.push_back("Range: bytes=" + std::to_string(offset) + "-" +
                              std::to_string(end - 1));
    ASSIGN_OR_RETURN(S3Answer answer, client_.Send(request));
    if (answer.status != 206 && answer.status != 200) return S3Error("to read " + key_, answer);
    if (answer.body.size() != end - offset) {
      return absl::DataLossError(
          ToAbsl("the S3 store sent another part of " + key_ + " than it was asked for"));
    }
    piece_ = std::move(answer.body);
    begin_ = offset;
    return absl::OkStatus();
  }

  S3Client& client_;
  const std::string key_;
  const uint64_t size_;
  uint64_t begin_ = 0;
  std::string piece_;
};

class S3Blobs : public Blobs {
 public:
  S3Blobs(const BlobsOptions& options, S3Location location, S3Credentials credentials)
      : files_(*options.files),
        scratch_(options.scratch),
        part_bytes_(std::max(options.s3_part_bytes, kLeastS3Part)),
        client_(std::move(location), std::move(credentials)) {}

  absl::Status Prepare() {
    RETURN_IF_ERROR(EmptyScratch(files_, scratch_));
    S3Request request{.method = "HEAD"};
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    if (answer.status == 404) {
      return FailedPrecondition("the S3 store has no bucket " + client_.location().bucket +
                                ": make it first");
    }
    return answer.status < 300 ? absl::OkStatus() : S3Error("to look at the bucket", answer);
  }

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create() override;

  absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& hash) override {
    ASSIGN_OR_RETURN(const BlobInfo info, Stat(hash));
    return std::make_unique<S3Reader>(client_, KeyOf(hash), info.size);
  }

  absl::StatusOr<BlobInfo> Stat(const std::string& hash) override {
    S3Request request{.method = "HEAD", .key = KeyOf(hash)};
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    if (answer.status != 200) return S3Error("to look at blob " + hash, answer);
    return BlobInfo{
        .hash = hash, .size = answer.content_length, .modified = TimeOf(answer.last_modified)};
  }

  absl::StatusOr<bool> RemoveIfOlder(const std::string& hash, std::chrono::seconds age) override {
    const MutexLock lock(names_);
    if (committing_.contains(hash)) return false;
    const auto info = Stat(hash);
    if (absl::IsNotFound(info.status())) return false;
    RETURN_IF_ERROR(info.status());
    if (info->modified + age > std::chrono::system_clock::now()) return false;
    S3Request request{.method = "DELETE", .key = KeyOf(hash)};
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    if (answer.status >= 300) return S3Error("to delete blob " + hash, answer);
    return true;
  }

  absl::Status ForEach(const std::function<absl::Status(const BlobInfo&)>& visit) override;

  absl::Status Put(ScratchFile& scratch);
  FileSystem& files() { return files_; }

 private:
  absl::Status Send(ScratchFile& scratch);
  std::string KeyOf(const std::string& hash) const {
    return client_.location().prefix + hash.substr(0, 2) + "/" + hash;
  }

  FileSystem& files_;
  const std::string scratch_;
  const uint64_t part_bytes_;
  S3Client client_;
  std::atomic<uint64_t> next_{0};
  Mutex names_;  // held while an object is removed: a commit of the same content waits for that
  std::multiset<std::string> committing_ ABSL_GUARDED_BY(names_);
};

class S3Writer : public BlobWriter {
 public:
  S3Writer(S3Blobs& blobs, std::string path)
      : blobs_(blobs), scratch_(blobs.files(), std::move(path)) {}
  absl::Status Open() { return scratch_.Open(); }
  absl::Status Append(std::string_view bytes) override { return scratch_.Append(bytes); }
  uint64_t size() const override { return scratch_.size(); }
  const std::string& Hash() override { return scratch_.Hash(); }
  absl::StatusOr<BlobInfo> Commit() override {
    RETURN_IF_ERROR(scratch_.Finish(/*sync=*/false));
    RETURN_IF_ERROR(blobs_.Put(scratch_));
    return BlobInfo{.hash = scratch_.Hash(),
                    .size = scratch_.size(),
                    .modified = std::chrono::system_clock::now()};
  }

 private:
  S3Blobs& blobs_;
  ScratchFile scratch_;
};

absl::StatusOr<std::unique_ptr<BlobWriter>> S3Blobs::Create() {
  auto writer = std::make_unique<S3Writer>(*this, scratch_ + "/" + std::to_string(next_++));
  RETURN_IF_ERROR(writer->Open());
  return writer;
}

absl::Status S3Blobs::Put(ScratchFile& scratch) {
  const std::string hash = scratch.Hash();
  {
    const MutexLock lock(names_);
    committing_.insert(hash);
  }
  absl::Status status = Send(scratch);
  const MutexLock lock(names_);
  committing_.erase(committing_.find(hash));
  return status;
}

absl::Status S3Blobs::Send(ScratchFile& scratch) {
  ASSIGN_OR_RETURN(const auto file, files_.OpenForReading(scratch.path()));
  if (scratch.size() > part_bytes_) {
    return PutInParts(
        client_, *file,
        {.key = KeyOf(scratch.Hash()), .size = scratch.size(), .part_bytes = part_bytes_});
  }
  S3Request request{.method = "PUT",
                    .key = KeyOf(scratch.Hash()),
                    .body_hash = scratch.Hash(),
                    .body_size = scratch.size()};
  request.read_body = [&file](uint64_t offset, char* buffer, size_t size) {
    return file->ReadAt(offset, {buffer, size});
  };
  ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
  return answer.status < 300 ? absl::OkStatus()
                             : S3Error("to store blob " + scratch.Hash(), answer);
}

// One element after the other of a list that S3 prints; nothing in our keys needs unescaping.
std::string_view NextElement(std::string_view& xml, std::string_view name) {
  std::string open("<");
  open.append(name).append(">");
  std::string close("</");
  close.append(name).append(">");
  const size_t begin = xml.find(open);
  const size_t end = begin == std::string_view::npos ? begin : xml.find(close, begin);
  if (end == std::string_view::npos) {
    xml = {};
    return {};
  }
  const std::string_view content = xml.substr(begin + open.size(), end - begin - open.size());
  xml.remove_prefix(end + close.size());
  return content;
}

// "2026-01-31T12:00:00.000Z"; the fraction does not matter. What cannot be read is young, so that
// nobody takes it for garbage.
std::chrono::sys_time<std::chrono::nanoseconds> ListedTime(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return std::chrono::system_clock::now();
  return TimeOf(timegm(&parts));
}

absl::Status S3Blobs::ForEach(const std::function<absl::Status(const BlobInfo&)>& visit) {
  std::string after;
  while (true) {
    // In the order in which the signature wants the parameters: that of their names.
    S3Request request;
    request.query = "list-type=2&max-keys=1000";
    if (!client_.location().prefix.empty()) {
      std::string prefix = EncodePath(client_.location().prefix);
      for (size_t at = prefix.find('/'); at != std::string::npos; at = prefix.find('/', at + 3)) {
        prefix.replace(at, 1, "%2F");
      }
      request.query += "&prefix=" + prefix;
    }
    if (!after.empty()) request.query += "&start-after=" + after;
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    if (answer.status != 200) return S3Error("to list the bucket", answer);
    std::string_view rest = answer.body;
    int count = 0;
    while (true) {
      const std::string contents(NextElement(rest, "Contents"));
      if (contents.empty()) break;
      ++count;
      after = XmlElement(contents, "Key");
      const BlobInfo info{.hash = after.substr(after.rfind('/') + 1),
                          .size = std::strtoull(XmlElement(contents, "Size").c_str(), nullptr, 10),
                          .modified = ListedTime(XmlElement(contents, "LastModified"))};
      // Of others, who may have a folder below the prefix.
      if (info.hash.size() != 64 || after != KeyOf(info.hash)) continue;
      RETURN_IF_ERROR(visit(info));
    }
    if (count == 0) return absl::OkStatus();
    for (size_t at = after.find('/'); at != std::string::npos; at = after.find('/', at + 3)) {
      after.replace(at, 1, "%2F");
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Blobs>> OpenS3Blobs(const BlobsOptions& options) {
  ASSIGN_OR_RETURN(S3Location location, ParseS3Location(options.location));
  ASSIGN_OR_RETURN(S3Credentials credentials, S3CredentialsFromEnvironment());
  auto blobs = std::make_unique<S3Blobs>(options, std::move(location), std::move(credentials));
  RETURN_IF_ERROR(blobs->Prepare());
  return blobs;
}

}  // namespace bowerbird::store
