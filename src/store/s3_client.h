// SPDX-License-Identifier: Apache-2.0
//
// Requests to an S3 store, signed by libcurl (AWS signature version 4), with retries. Thread-safe:
// connections are kept in a bounded pool.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace bowerbird::store {

struct S3Location {
  std::string bucket{};
  std::string prefix{};    // "" or ends with "/"
  std::string endpoint{};  // "https://s3.eu-central-1.amazonaws.com", without "/" at its end
  std::string region{};
};

// "s3://BUCKET/PREFIX?endpoint=URL&region=NAME". The endpoint defaults to Amazon's of the region,
// the region to us-east-1. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<S3Location> ParseS3Location(const std::string& text);

struct S3Credentials {
  std::string key_id{}, secret{}, session_token{};
};

// From the environment. FAILED_PRECONDITION names what is missing.
absl::StatusOr<S3Credentials> S3CredentialsFromEnvironment();

struct S3Request {
  std::string method = "GET";
  std::string key{};    // below the bucket; "" = the bucket itself
  std::string query{};  // encoded, without "?"
  std::vector<std::string> headers{};
  // Of the body: SHA-256 in hex, size, and how to read it from a position. None: no body.
  std::string body_hash{};
  uint64_t body_size = 0;
  std::function<absl::StatusOr<size_t>(uint64_t offset, char* buffer, size_t size)> read_body{};
  uint64_t answer_limit = uint64_t{64} << 20;
};

struct S3Answer {
  int status = 0;  // HTTP
  std::string body{};
  uint64_t content_length = 0;
  int64_t last_modified = 0;  // seconds since 1970; 0 = not said
  std::string etag{};         // with its quotes
};

class S3Client {
 public:
  S3Client(S3Location location, S3Credentials credentials);
  ~S3Client();
  S3Client(const S3Client&) = delete;
  S3Client& operator=(const S3Client&) = delete;

  // Any answer below 500 but 429. What fails otherwise is tried again, with growing pauses; then
  // UNAVAILABLE.
  absl::StatusOr<S3Answer> Send(const S3Request& request);

  const S3Location& location() const { return location_; }

 private:
  absl::StatusOr<S3Answer> Try(const S3Request& request);
  void* TakeHandle();
  void KeepHandle(void* handle);

  const S3Location location_;
  const S3Credentials credentials_;
  Mutex mutex_;
  CondVar freed_;
  std::vector<void*> idle_ ABSL_GUARDED_BY(mutex_);  // CURL*
  int handles_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Each byte that is not unreserved as %XX; "/" stays.
std::string EncodePath(std::string_view path);

// The content of the first element of that name, "" if there is none; unescaped only where S3
// writes no escapes.
std::string XmlElement(const std::string& xml, const std::string& name);

// An answer that is not one as an error: what was asked, and S3's own code and message.
absl::Status S3Error(const std::string& what, const S3Answer& answer);

}  // namespace bowerbird::store
