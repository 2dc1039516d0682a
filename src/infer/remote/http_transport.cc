// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/status.h"
#include "curl/curl.h"
#include "infer/remote/datatype.h"
#include "infer/remote/json_message.h"
#include "infer/remote/transport.h"

namespace bowerbird::infer::remote {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr size_t kMaxDescription = size_t{1} << 20;
constexpr size_t kMaxHeaderValue = 64;

// Once in a process, before any other use; never undone, like gRPC.
void KeepCurlUp() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

void AppendHeader(const std::string& line, HeaderList& list) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return;
  static_cast<void>(list.release());
  list.reset(longer);
}

long Milliseconds(nanoseconds time) {
  return std::max<long>(1, std::chrono::duration_cast<milliseconds>(time).count());
}

struct HttpAnswer {
  long status = 0;
  std::string json_length;  // of kHeaderLength
  std::string body;
};

// One request, and what came back so far.
struct Exchange {
  std::string path;
  std::vector<std::string_view> body;  // pieces, sent in order; empty: a GET
  std::string json_length;             // "": not sent
  size_t max_body = 0;

  size_t piece = 0, offset = 0;  // what was sent
  bool too_large = false;
  HttpAnswer answer;
};

// One connection, kept between requests. libcurl's multi interface: only so can a wait look at the
// caller's cancellation every few milliseconds.
class HttpSession final : public Session {
 public:
  explicit HttpSession(const RemoteOptions& options)
      : options_(options), multi_(curl_multi_init()), easy_(curl_easy_init()) {}

  absl::Status Perform(const Context& context, Exchange& exchange);
  absl::StatusOr<std::vector<MessageTensor>> Infer(
      const Context& context, std::span<MessageTensor> inputs,
      const std::vector<std::string>& outputs) override;

 private:
  HeaderList Configure(Exchange& exchange, nanoseconds left);
  absl::StatusOr<CURLcode> Drive(const Context& context);
  absl::Status FailureOf(const Context& context, CURLcode code, const Exchange& exchange,
                         bool own_limit) const;
  absl::Status StatusOf(const HttpAnswer& answer) const;

  static size_t OnBody(char* data, size_t size, size_t count, void* exchange);
  static size_t OnHeader(char* data, size_t size, size_t count, void* exchange);
  static size_t OnRead(char* room, size_t size, size_t count, void* exchange);
  static int OnSeek(void* exchange, curl_off_t offset, int origin);

  const RemoteOptions& options_;
  const std::unique_ptr<CURLM, MultiDeleter> multi_;
  const std::unique_ptr<CURL, EasyDeleter> easy_;
};

size_t HttpSession::OnBody(char* data, size_t size, size_t count, void* exchange) {
  auto& self = *static_cast<Exchange*>(exchange);
  const size_t bytes = size * count;
  self.too_large = bytes > self.max_body - self.answer.body.size();
  if (self.too_large) return 0;
  self.answer.body.append(data, bytes);
  return bytes;
}

size_t HttpSession::OnHeader(char* data, size_t size, size_t count, void* exchange) {
  auto& self = *static_cast<Exchange*>(exchange);
  const std::string_view line(data, size * count);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  const std::string_view name = line.substr(0, colon);
  const bool same = std::equal(
      name.begin(), name.end(), kHeaderLength, kHeaderLength + std::strlen(kHeaderLength),
      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
  if (!same) return line.size();
  std::string_view value = line.substr(colon + 1);
  const size_t first = value.find_first_not_of(" \t");
  const size_t last = value.find_last_not_of(" \t\r\n");
  value = first == std::string_view::npos ? "" : value.substr(first, last - first + 1);
  self.answer.json_length = value.substr(0, kMaxHeaderValue);
  return line.size();
}

size_t HttpSession::OnRead(char* room, size_t size, size_t count, void* exchange) {
  auto& self = *static_cast<Exchange*>(exchange);
  size_t written = 0;
  while (written < size * count && self.piece < self.body.size()) {
    const std::string_view rest = self.body[self.piece].substr(self.offset);
    const size_t bytes = std::min(rest.size(), size * count - written);
    std::memcpy(room + written, rest.data(), bytes);
    written += bytes;
    self.offset += bytes;
    if (bytes == rest.size()) {
      ++self.piece;
      self.offset = 0;
    }
  }
  return written;
}

// A kept connection that the server closed meanwhile: libcurl starts over on a new one.
int HttpSession::OnSeek(void* exchange, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  auto& self = *static_cast<Exchange*>(exchange);
  self.piece = 0;
  self.offset = 0;
  return CURL_SEEKFUNC_OK;
}

HeaderList HttpSession::Configure(Exchange& exchange, nanoseconds left) {
  CURL* easy = easy_.get();
  curl_easy_reset(easy);
  const Endpoint& endpoint = options_.endpoint;
  const std::string url = endpoint.ToString() + exchange.path;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, Milliseconds(left));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   Milliseconds(std::min(left, options_.connect_timeout)));
  if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpSession::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpSession::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  HeaderList headers;
  for (const auto& [name, value] : options_.headers)
    AppendHeader(value.empty() ? name + ";" : name + ": " + value, headers);
  if (!exchange.body.empty()) {
    size_t size = 0;
    for (const std::string_view piece : exchange.body) size += piece.size();
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &HttpSession::OnRead);
    curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &HttpSession::OnSeek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 18);
    // No round trip before the body.
    AppendHeader("expect:", headers);
    const bool binary = !exchange.json_length.empty();
    AppendHeader(
        binary ? "content-type: application/octet-stream" : "content-type: application/json",
        headers);
    if (binary) AppendHeader(std::string(kHeaderLength) + ": " + exchange.json_length, headers);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  return headers;
}

// Until the transfer has ended, however it did; CANCELLED when nobody waits for it any more.
absl::StatusOr<CURLcode> HttpSession::Drive(const Context& context) {
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK)
      return Internal("libcurl failed to go on");
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (context.cancelled && context.cancelled()) return context.Check();
    constexpr auto kPoll = static_cast<int>(kCancellationPoll.count());
    // 1000 ms: its own timers wake it up earlier.
    curl_multi_poll(multi_.get(), nullptr, 0, context.cancelled ? kPoll : 1000, nullptr);
  }
}

absl::Status HttpSession::FailureOf(const Context& context, CURLcode code, const Exchange& exchange,
                                    bool own_limit) const {
  RETURN_IF_ERROR(context.Check());
  if (exchange.too_large)
    return Internal("the answer is larger than " + std::to_string(exchange.max_body) + " bytes");
  const std::string reason = curl_easy_strerror(code);
  if (code == CURLE_OPERATION_TIMEDOUT && !own_limit)
    return absl::DeadlineExceededError("no answer before the deadline of the call");
  if (code == CURLE_OPERATION_TIMEDOUT)
    return Unavailable("no answer in time: is the server stuck, or \"timeout_seconds\" too short?");
  if (code == CURLE_SSL_CACERT_BADFILE)
    return InvalidArgument("the certificate file " + options_.ca_file + " cannot be used");
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return Unavailable("its certificate is not trusted (" + reason +
                       "): name its authority's certificate in \"ca_file\"");
  return Unavailable("cannot be reached (" + reason + "): does the server run at this address?");
}

absl::Status HttpSession::StatusOf(const HttpAnswer& answer) const {
  if (answer.status == 200) return absl::OkStatus();
  std::string message = ParseError(answer.body);
  if (message.empty()) message = "HTTP status " + std::to_string(answer.status);
  switch (answer.status) {
    case 400:
    case 413:
      return InvalidArgument(message);
    case 401:
      return absl::UnauthenticatedError(
          ToAbsl(message + ": put credentials into \"headers\" of the engine"));
    case 403:
      return absl::PermissionDeniedError(ToAbsl(message));
    case 404:
      return NotFound(message);
    case 429:
      return ResourceExhausted(message);
    case 501:
      return Unimplemented(message);
    case 502:
    case 503:
    case 504:
      return Unavailable(message);
    default:
      return Internal(message);
  }
}

absl::Status HttpSession::Perform(const Context& context, Exchange& exchange) {
  RETURN_IF_ERROR(context.Check());
  if (multi_ == nullptr || easy_ == nullptr) return ResourceExhausted("libcurl has no memory");
  const auto now = steady_clock::now();
  const bool own_limit = context.deadline - now > options_.timeout;
  const HeaderList headers =
      Configure(exchange, own_limit ? options_.timeout : nanoseconds(context.deadline - now));
  curl_multi_add_handle(multi_.get(), easy_.get());
  const absl::StatusOr<CURLcode> code = Drive(context);
  // Ends a transfer that is under way, and its connection with it.
  curl_multi_remove_handle(multi_.get(), easy_.get());
  RETURN_IF_ERROR(code.status());
  if (*code != CURLE_OK) return FailureOf(context, *code, exchange, own_limit);
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &exchange.answer.status);
  return StatusOf(exchange.answer);
}

// "/v2/models/NAME[/versions/VERSION]"
std::string ModelPath(const RemoteOptions& options) {
  std::string path = "/v2/models/" + PathSegment(options.model);
  if (!options.version.empty()) path += "/versions/" + PathSegment(options.version);
  return path;
}

absl::StatusOr<std::vector<MessageTensor>> HttpSession::Infer(
    const Context& context, std::span<MessageTensor> inputs,
    const std::vector<std::string>& outputs) {
  InferMessage message;
  for (const std::string& name : outputs) {
    message.requested.push_back({name, std::nullopt, 0});
    if (!options_.json) message.requested.back().binary = true;
  }
  // Lent to the message, not copied.
  for (MessageTensor& input : inputs) {
    input.binary = !options_.json;
    message.tensors.push_back(std::move(input));
  }
  Exchange exchange;
  exchange.path = ModelPath(options_) + "/infer";
  exchange.max_body = options_.max_message;
  absl::StatusOr<std::string> json = WriteInferJson(Direction::kRequest, message);
  absl::Status status = json.status();
  if (status.ok()) {
    exchange.body.push_back(*json);
    if (!options_.json) {
      exchange.json_length = std::to_string(json->size());
      for (const MessageTensor& tensor : message.tensors) exchange.body.push_back(tensor.bytes);
    }
    status = Perform(context, exchange);
  }
  std::move(message.tensors.begin(), message.tensors.end(), inputs.begin());
  RETURN_IF_ERROR(status);
  auto length = ParseJsonLength(exchange.answer.json_length);
  if (!length.ok()) return Internal("the server's answer: " + MessageOf(length.status()));
  auto answer = ParseInferBody(Direction::kAnswer, exchange.answer.body, *length);
  if (!answer.ok()) return Internal("the server's answer: " + MessageOf(answer.status()));
  return std::move(answer->tensors);
}

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(const RemoteOptions& options) : options_(options) {}

  absl::StatusOr<ModelDescription> Describe(const Context& context) override {
    Exchange exchange;
    exchange.path = ModelPath(options_);
    exchange.max_body = kMaxDescription;
    RETURN_IF_ERROR(HttpSession(options_).Perform(context, exchange));
    auto description = ParseModelDescription(exchange.answer.body);
    if (!description.ok())
      return Internal("the server's answer: " + MessageOf(description.status()));
    return description;
  }

  std::unique_ptr<Session> NewSession() override { return std::make_unique<HttpSession>(options_); }

 private:
  const RemoteOptions& options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> NewHttpTransport(const RemoteOptions& options) {
  KeepCurlUp();
  return std::unique_ptr<Transport>(std::make_unique<HttpTransport>(options));
}

}  // namespace bowerbird::infer::remote
