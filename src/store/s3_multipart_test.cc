// SPDX-License-Identifier: Apache-2.0
#include "store/s3_multipart.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

#include "base/descriptor.h"
#include "base/mutex.h"
#include "base/sha256.h"
#include "base/status.h"
#include "store/blobs.h"
#include "store/testing/s3_server.h"

namespace bowerbird::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Content(size_t size) {
  std::string content(size, '\0');
  for (size_t at = 0; at < size; ++at) content[at] = static_cast<char>((at * 2654435761U) >> 13);
  return content;
}

// Content in memory, whose reading fails from some place on.
class Memory : public ReadableFile {
 public:
  explicit Memory(std::string content, uint64_t broken_from = UINT64_MAX)
      : content_(std::move(content)), broken_from_(broken_from) {}
  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    if (offset >= broken_from_) return Internal("the disk is broken");
    const size_t count = std::min<size_t>(buffer.size(), content_.size() - offset);
    std::memcpy(buffer.data(), content_.data() + offset, count);
    return count;
  }
  absl::StatusOr<uint64_t> Size() const override { return content_.size(); }

 private:
  const std::string content_;
  const uint64_t broken_from_;
};

struct Answer {
  int status = 200;
  std::string body{};
};

// A store that answers as it is told and keeps the first line and the length of every request;
// s3rver cannot fail on purpose, and cannot abort.
class ScriptedStore {
 public:
  using Script = std::function<Answer(const std::string& line)>;

  explicit ScriptedStore(Script script)
      : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "scripted-store");
      for (;;) {
        const Descriptor peer(accept(listener_.get(), nullptr, nullptr));
        if (peer.get() < 0) return;
        Serve(peer.get());
      }
    });
  }
  ~ScriptedStore() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  S3Client Client() const {
    return {{.bucket = "b",
             .endpoint = "http://127.0.0.1:" + std::to_string(port_),
             .region = "us-east-1"},
            {.key_id = "k", .secret = "s"}};
  }
  std::vector<std::string> lines() {
    const MutexLock lock(mutex_);
    return lines_;
  }
  std::string last_body() {
    const MutexLock lock(mutex_);
    return last_body_;
  }

 private:
  void Serve(int peer) {
    std::string request;
    std::array<char, 65536> buffer{};
    size_t wanted = std::string::npos;
    size_t head = 0;
    while (request.size() < wanted) {
      const ssize_t count = read(peer, buffer.data(), buffer.size());
      if (count <= 0) return;
      request.append(buffer.data(), static_cast<size_t>(count));
      head = request.find("\r\n\r\n");
      if (wanted != std::string::npos || head == std::string::npos) continue;
      const size_t length = request.find("Content-Length: ");
      wanted = head + 4 + (length < head ? std::stoul(request.substr(length + 16)) : 0);
    }
    const std::string line = request.substr(0, request.find(" HTTP/"));
    {
      const MutexLock lock(mutex_);
      lines_.push_back(line + " " + std::to_string(request.size() - head - 4));
      last_body_ = request.substr(head + 4);
    }
    const Answer answer = script_(line);
    const std::string text =
        "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nETag: \"tag<" +
        std::to_string(lines().size()) +
        "\"\r\nConnection: close\r\nContent-Length: " + std::to_string(answer.body.size()) +
        "\r\n\r\n" + answer.body;
    EXPECT_EQ(send(peer, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  const Script script_;
  const Descriptor listener_;
  int port_ = 0;
  Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  std::string last_body_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

Answer Begun(const std::string& line) {
  if (line.ends_with("?uploads=")) return {.body = "<R><UploadId>id/1+</UploadId></R>"};
  return {};
}

S3Parts ThreeParts() { return {.key = "ab/key", .size = 25, .part_bytes = 10}; }

TEST(S3MultipartTest, SendsEachPartOnceAndPutsThemTogetherByTheirTags) {
  ScriptedStore store(Begun);
  S3Client client = store.Client();
  const Memory file(Content(25));
  const absl::Status status = PutInParts(client, file, ThreeParts());
  ASSERT_TRUE(status.ok()) << status;
  const std::string body = store.last_body();
  EXPECT_THAT(
      store.lines(),
      ElementsAre("POST /b/ab/key?uploads= 0", "PUT /b/ab/key?partNumber=1&uploadId=id%2F1%2B 10",
                  "PUT /b/ab/key?partNumber=2&uploadId=id%2F1%2B 10",
                  "PUT /b/ab/key?partNumber=3&uploadId=id%2F1%2B 5",
                  "POST /b/ab/key?uploadId=id%2F1%2B " + std::to_string(body.size())));
  EXPECT_THAT(body, HasSubstr("<PartNumber>1</PartNumber><ETag>\"tag&lt;2\"</ETag>"));
  EXPECT_THAT(body, HasSubstr("<PartNumber>3</PartNumber><ETag>\"tag&lt;4\"</ETag>"));
}

TEST(S3MultipartTest, APartThatIsRefusedAbortsTheUpload) {
  ScriptedStore store([](const std::string& line) -> Answer {
    if (line.find("partNumber=2") != std::string::npos)
      return {.status = 403, .body = "<Error><Code>Denied</Code><Message>no</Message></Error>"};
    return Begun(line);
  });
  S3Client client = store.Client();
  const Memory file(Content(25));
  const absl::Status status = PutInParts(client, file, ThreeParts());
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("Denied: no"));
  EXPECT_EQ(store.lines().back(), "DELETE /b/ab/key?uploadId=id%2F1%2B 0");
  EXPECT_EQ(store.lines().size(), 4u);
}

TEST(S3MultipartTest, AFileThatCannotBeReadAbortsTheUpload) {
  ScriptedStore store(Begun);
  S3Client client = store.Client();
  const Memory file(Content(25), 10);
  EXPECT_TRUE(absl::IsInternal(PutInParts(client, file, ThreeParts())));
  EXPECT_EQ(store.lines().back(), "DELETE /b/ab/key?uploadId=id%2F1%2B 0");
}

TEST(S3MultipartTest, AFailureBelowAGoodStatusIsOne) {
  ScriptedStore store([](const std::string& line) -> Answer {
    if (line.starts_with("POST") && line.find("uploadId") != std::string::npos)
      return {.body = "<Error><Code>InternalError</Code><Message>late</Message></Error>"};
    return Begun(line);
  });
  S3Client client = store.Client();
  const Memory file(Content(25));
  const absl::Status status = PutInParts(client, file, ThreeParts());
  EXPECT_THAT(std::string(status.message()), HasSubstr("InternalError: late"));
  EXPECT_EQ(store.lines().back(), "DELETE /b/ab/key?uploadId=id%2F1%2B 0");
}

TEST(S3MultipartTest, LargeBlobsGoToAStoreInPartsAndComeBackWhole) {
  const auto server = S3Server::Get();
  if (absl::IsNotFound(server.status())) GTEST_SKIP() << server.status().message();
  ASSERT_TRUE(server.ok()) << server.status();
  std::string folder = testing::TempDir() + "/parts_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto files = MakeFileSystem();
  const auto blobs = OpenBlobs({.location = (*server)->Location(),
                                .scratch = folder + "/scratch",
                                .files = files.get(),
                                .s3_part_bytes = kLeastS3Part});
  ASSERT_TRUE(blobs.ok()) << blobs.status();
  const std::string content = Content(2 * kLeastS3Part + 12'345);
  const auto writer = (*blobs)->Create();
  ASSERT_TRUE((*writer)->Append(content).ok());
  const auto stored = (*writer)->Commit();
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->hash, Sha256Hex(content));
  EXPECT_EQ((*blobs)->Stat(stored->hash)->size, content.size());
  EXPECT_TRUE(*ReadBlob(**blobs, stored->hash, content.size()) == content);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bowerbird::store
