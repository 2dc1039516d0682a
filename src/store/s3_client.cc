// SPDX-License-Identifier: Apache-2.0
#include "store/s3_client.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/status.h"

namespace bowerbird::store {
namespace {

constexpr int kMostHandles = 16;
constexpr int kAttempts = 5;
constexpr std::chrono::milliseconds kFirstPause(100);
constexpr size_t kLongestElement = 1000;
// SHA-256 of nothing.
constexpr const char* kEmptyHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct HeadersEnd {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, HeadersEnd>;

void AddHeader(Headers& headers, const std::string& line) {
  headers.reset(curl_slist_append(headers.release(), line.c_str()));
}

struct Transfer {
  const S3Request& request;
  S3Answer answer{};
  uint64_t sent = 0;
  absl::Status status{};
};

size_t OnAnswer(char* data, size_t size, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (transfer.answer.body.size() + size * count > transfer.request.answer_limit) {
    transfer.status = ResourceExhausted("an answer of the S3 store is too long");
    return 0;
  }
  transfer.answer.body.append(data, size * count);
  return size * count;
}

size_t OnBody(char* buffer, size_t size, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const auto read = transfer.request.read_body(transfer.sent, buffer, size * count);
  if (!read.ok()) {
    transfer.status = read.status();
    return CURL_READFUNC_ABORT;
  }
  transfer.sent += *read;
  return *read;
}

int OnSeek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(user)->sent = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

void SetBody(CURL* handle, const S3Request& request, Transfer& transfer) {
  if (request.read_body != nullptr) {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, OnBody);
    curl_easy_setopt(handle, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, OnSeek);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body_size));
    if (request.method != "PUT")
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void ReadInfo(CURL* handle, S3Answer& answer) {
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  curl_off_t length = 0;
  curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  answer.content_length = length < 0 ? 0 : static_cast<uint64_t>(length);
  curl_off_t modified = 0;
  curl_easy_getinfo(handle, CURLINFO_FILETIME_T, &modified);
  answer.last_modified = modified < 0 ? 0 : modified;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  constexpr std::string_view kName = "etag:";
  std::string_view line(data, size * count);
  if (line.size() > kName.size() && strncasecmp(data, kName.data(), kName.size()) == 0) {
    line.remove_prefix(kName.size());
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    static_cast<Transfer*>(user)->answer.etag = std::string(line);
  }
  return size * count;
}

}  // namespace

S3Client::S3Client(S3Location location, S3Credentials credentials)
    : location_(std::move(location)), credentials_(std::move(credentials)) {
  // Counted by libcurl itself; safe from several threads since 7.84.
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

S3Client::~S3Client() {
  const MutexLock lock(mutex_);
  for (void* handle : idle_) curl_easy_cleanup(static_cast<CURL*>(handle));
}

void* S3Client::TakeHandle() {
  const MutexLock lock(mutex_);
  while (idle_.empty() && handles_ >= kMostHandles) freed_.Wait(mutex_);
  if (!idle_.empty()) {
    void* const handle = idle_.back();
    idle_.pop_back();
    return handle;
  }
  ++handles_;
  return curl_easy_init();
}

void S3Client::KeepHandle(void* handle) {
  const MutexLock lock(mutex_);
  idle_.push_back(handle);
  freed_.NotifyOne();
}

absl::StatusOr<S3Answer> S3Client::Try(const S3Request& request) {
  CURL* const handle = static_cast<CURL*>(TakeHandle());
  curl_easy_reset(handle);
  std::string url = location_.endpoint + "/" + EncodePath(location_.bucket);
  if (!request.key.empty()) url.append("/").append(EncodePath(request.key));
  if (!request.query.empty()) url.append("?").append(request.query);
  const std::string who = credentials_.key_id + ":" + credentials_.secret;
  const std::string sign = "aws:amz:" + location_.region + ":s3";
  Headers headers;
  AddHeader(headers, "x-amz-content-sha256: " +
                         (request.body_hash.empty() ? std::string(kEmptyHash) : request.body_hash));
  if (!credentials_.session_token.empty()) {
    AddHeader(headers, "x-amz-security-token: " + credentials_.session_token);
  }
  AddHeader(headers, "Expect:");
  for (const std::string& header : request.headers) AddHeader(headers, header);
  Transfer transfer{.request = request};
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_USERPWD, who.c_str());
  curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, sign.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FILETIME, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  // A transfer may take long, but not stand still.
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 30L);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, OnAnswer);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  SetBody(handle, request, transfer);
  const CURLcode code = curl_easy_perform(handle);
  if (code == CURLE_OK) ReadInfo(handle, transfer.answer);
  KeepHandle(handle);
  if (!transfer.status.ok()) return transfer.status;
  if (code != CURLE_OK) {
    return Unavailable("the S3 store " + location_.endpoint + ": " + curl_easy_strerror(code));
  }
  return std::move(transfer.answer);
}

absl::StatusOr<S3Answer> S3Client::Send(const S3Request& request) {
  absl::Status last;
  std::chrono::milliseconds pause = kFirstPause;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) {
      std::this_thread::sleep_for(pause);
      pause *= 3;
    }
    auto answer = Try(request);
    if (answer.ok() && answer->status < 500 && answer->status != 429) return answer;
    last = answer.ok() ? Unavailable(MessageOf(S3Error(request.method, *answer))) : answer.status();
    if (!absl::IsUnavailable(last)) return last;
  }
  return last;
}

std::string XmlElement(const std::string& xml, const std::string& name) {
  const size_t begin = xml.find('<' + name + '>');
  const size_t end = xml.find("</" + name + '>');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  const size_t from = begin + name.size() + 2;
  return xml.substr(from, std::min<size_t>(end - from, kLongestElement));
}

std::string EncodePath(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char letter : path) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') ||
                       std::string_view("-._~/").find(letter) != std::string_view::npos;
    if (plain) {
      text += letter;
    } else {
      text += '%';
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
  }
  return text;
}

absl::Status S3Error(const std::string& what, const S3Answer& answer) {
  std::string message = "the S3 store refused " + what + ": HTTP " + std::to_string(answer.status);
  const std::string code = XmlElement(answer.body, "Code");
  if (!code.empty()) message += " " + code + ": " + XmlElement(answer.body, "Message");
  if (answer.status == 404) return NotFound(message);
  if (answer.status == 403 || answer.status == 401) {
    return absl::PermissionDeniedError(ToAbsl(message + "; check the AWS_* variables"));
  }
  return FailedPrecondition(message);
}

absl::StatusOr<S3Credentials> S3CredentialsFromEnvironment() {
  const auto read = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  S3Credentials credentials{.key_id = read("AWS_ACCESS_KEY_ID"),
                            .secret = read("AWS_SECRET_ACCESS_KEY"),
                            .session_token = read("AWS_SESSION_TOKEN")};
  if (credentials.key_id.empty() || credentials.secret.empty()) {
    return FailedPrecondition(
        "blobs in S3 need AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  }
  return credentials;
}

}  // namespace bowerbird::store
