// SPDX-License-Identifier: Apache-2.0
#include "store/s3_multipart.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"

namespace bowerbird::store {
namespace {

constexpr size_t kHashedAtOnce = size_t{256} << 10;

// A value in a query: "/" is encoded, too.
std::string EncodeValue(std::string_view value) {
  std::string text = EncodePath(value);
  for (size_t at = text.find('/'); at != std::string::npos; at = text.find('/', at + 3))
    text.replace(at, 1, "%2F");
  return text;
}

std::string InXml(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '&') {
      escaped += "&amp;";
    } else if (letter == '<') {
      escaped += "&lt;";
    } else {
      escaped += letter;
    }
  }
  return escaped;
}

class PartsUpload {
 public:
  PartsUpload(S3Client& client, const ReadableFile& file, const S3Parts& parts)
      : client_(client), file_(file), parts_(parts) {}

  absl::Status Run() {
    RETURN_IF_ERROR(Begin());
    absl::Status status;
    for (uint64_t offset = 0; status.ok() && offset < parts_.size; offset += part_bytes_)
      status = SendPart(offset, std::min(part_bytes_, parts_.size - offset));
    if (status.ok()) status = Complete();
    if (!status.ok()) Abort();
    return status;
  }

 private:
  absl::Status Begin() {
    // As few parts as the store allows, if the wanted size would make too many.
    part_bytes_ = std::max(parts_.part_bytes, parts_.size / kMostS3Parts + 1);
    S3Request request{.method = "POST", .key = parts_.key, .query = "uploads="};
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    if (answer.status != 200) return S3Error("to begin " + parts_.key, answer);
    id_ = XmlElement(answer.body, "UploadId");
    if (id_.empty())
      return absl::DataLossError(
          ToAbsl("the S3 store gave no id for the upload of " + parts_.key + " in parts"));
    return absl::OkStatus();
  }

  absl::Status SendPart(uint64_t begin, uint64_t size) {
    S3Request request{.method = "PUT", .key = parts_.key, .body_size = size};
    request.query = "partNumber=" + std::to_string(tags_.size() + 1) + "&uploadId=";
    request.query += EncodeValue(id_);
    ASSIGN_OR_RETURN(request.body_hash, HashOf(begin, size));
    request.read_body = [&, begin, size](uint64_t offset, char* buffer, size_t room) {
      const uint64_t left = size - std::min(size, offset);
      return file_.ReadAt(begin + offset, {buffer, std::min<size_t>(room, left)});
    };
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    if (answer.status >= 300) return S3Error("to store a part of " + parts_.key, answer);
    tags_.push_back(answer.etag);
    return absl::OkStatus();
  }

  // The parts are signed one by one, so that each is read twice.
  absl::StatusOr<std::string> HashOf(uint64_t begin, uint64_t size) const {
    Sha256 hash;
    std::vector<char> buffer(std::min<size_t>(kHashedAtOnce, size));
    for (uint64_t done = 0; done < size;) {
      const size_t room = std::min<size_t>(buffer.size(), size - done);
      ASSIGN_OR_RETURN(const size_t count, file_.ReadAt(begin + done, {buffer.data(), room}));
      if (count == 0) return absl::DataLossError("a file ends before its size");
      hash.Update({buffer.data(), count});
      done += count;
    }
    return HexOf(hash.Finish());
  }

  absl::Status Complete() {
    std::string body = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < tags_.size(); ++i) {
      body.append("<Part><PartNumber>").append(std::to_string(i + 1));
      body.append("</PartNumber><ETag>").append(InXml(tags_[i])).append("</ETag></Part>");
    }
    body += "</CompleteMultipartUpload>";
    S3Request request{.method = "POST", .key = parts_.key, .query = "uploadId=" + EncodeValue(id_)};
    request.body_hash = Sha256Hex(std::string_view(body));
    request.body_size = body.size();
    request.headers.emplace_back("Content-Type: application/xml");
    request.read_body = [&body](uint64_t offset, char* buffer, size_t room) {
      const size_t count = std::min<size_t>(room, body.size() - std::min(body.size(), offset));
      std::copy_n(body.data() + offset, count, buffer);
      return absl::StatusOr<size_t>(count);
    };
    ASSIGN_OR_RETURN(const S3Answer answer, client_.Send(request));
    // The answer to a first attempt may have been lost: then the upload is no more, but the object
    // is there.
    if (answer.status == 404 && IsThere()) return absl::OkStatus();
    // A store that fails late says so below a good status.
    if (answer.status != 200 || answer.body.find("<Error>") != std::string::npos)
      return S3Error("to put together " + parts_.key, answer);
    return absl::OkStatus();
  }

  bool IsThere() {
    const auto answer = client_.Send({.method = "HEAD", .key = parts_.key});
    return answer.ok() && answer->status == 200 && answer->content_length == parts_.size;
  }

  void Abort() {
    const auto answer = client_.Send(
        {.method = "DELETE", .key = parts_.key, .query = "uploadId=" + EncodeValue(id_)});
    const absl::Status status = !answer.ok()            ? answer.status()
                                : answer->status >= 300 ? S3Error("to abort", *answer)
                                                        : absl::OkStatus();
    if (status.ok() || absl::IsNotFound(status)) return;
    LogWarning("store", "parts of " + parts_.key + " stay in the S3 store: " + MessageOf(status));
  }

  S3Client& client_;
  const ReadableFile& file_;
  const S3Parts& parts_;
  uint64_t part_bytes_ = 0;
  std::string id_;
  std::vector<std::string> tags_;
};

}  // namespace

absl::Status PutInParts(S3Client& client, const ReadableFile& file, const S3Parts& parts) {
  return PartsUpload(client, file, parts).Run();
}

}  // namespace bowerbird::store
