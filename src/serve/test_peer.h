// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this room: the other end of the port (raw sockets, TLS, gRPC-Web by hand), a
// self-signed certificate, and a service to call.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "openssl/evp.h"
#include "openssl/pem.h"
#include "openssl/ssl.h"
#include "openssl/x509.h"
#include "serve/grpc_web.h"
#include "serve/rpc.h"

namespace bowerbird::serve::test {

// A folder that goes with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "serve_test_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, const std::string& content) const {
    const std::string file = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::string path_;
};

inline size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

inline size_t ThreadCount() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

inline size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Waits until `condition` holds; false after ten seconds.
inline bool Eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

// A certificate for localhost and its key, as PEM files.
struct TestCertificate {
  std::string certificate_file, key_file, pem;

  explicit TestCertificate(const TempFolder& folder, const std::string& name = "server") {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    pem = Drain(bio);
    certificate_file = folder.Write(name + ".crt", pem);
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    key_file = folder.Write(name + ".key", Drain(bio));
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

 private:
  static std::string Drain(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_reset(bio);
    return text;
  }
};

// A blocking connection to the port, with a limit of ten seconds for each step.
class RawClient {
 public:
  explicit RawClient(uint16_t port, bool tls = false, const std::string& alpn = "http/1.1") {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    if (tls && connected_) StartTls(alpn);
  }
  ~RawClient() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (tls_ != nullptr) SSL_CTX_free(tls_);
    close(fd_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    if (ssl_ != nullptr) SSL_get0_alpn_selected(ssl_, &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count =
          ssl_ != nullptr
              ? static_cast<ssize_t>(SSL_write(
                    ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20))))
              : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  // What comes next; "" at the end of the stream, on errors, and after ten seconds.
  std::string ReceiveSome() {
    char buffer[65536];
    const auto count = ssl_ != nullptr
                           ? static_cast<ssize_t>(SSL_read(ssl_, buffer, sizeof(buffer)))
                           : recv(fd_, buffer, sizeof(buffer), 0);
    return count <= 0 ? std::string() : std::string(buffer, static_cast<size_t>(count));
  }

  std::string ReceiveAll() {
    std::string all;
    for (std::string some; !(some = ReceiveSome()).empty();) all += some;
    return all;
  }

  // Until `end` has been seen.
  std::string ReceiveUntil(std::string_view end) {
    while (received_.find(end) == std::string::npos) {
      const std::string some = ReceiveSome();
      if (some.empty()) return "";
      received_ += some;
    }
    const size_t size = received_.find(end) + end.size();
    std::string text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

  std::string ReceiveExactly(size_t size) {
    while (received_.size() < size) {
      const std::string some = ReceiveSome();
      if (some.empty()) return "";
      received_ += some;
    }
    std::string text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

 private:
  void StartTls(const std::string& alpn) {
    tls_ = SSL_CTX_new(TLS_client_method());
    ssl_ = SSL_new(tls_);
    SSL_set_fd(ssl_, fd_);
    std::string list;
    list += static_cast<char>(alpn.size());
    list += alpn;
    if (!alpn.empty()) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(list.data()),
                          static_cast<unsigned int>(list.size()));
    }
    connected_ = SSL_connect(ssl_) == 1;
  }

  int fd_ = -1;
  bool connected_ = false;
  SSL_CTX* tls_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string received_;
};

struct RawResponse {
  int status = 0;
  Headers headers;
  std::string body;

  std::string Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
};

// Reads one response; `head_only` for HEAD. Status 0: the connection ended first.
inline RawResponse ReceiveResponse(RawClient& client, bool head_only = false) {
  RawResponse response;
  const std::string head = client.ReceiveUntil("\r\n\r\n");
  if (head.size() < 12) return response;
  response.status = std::stoi(head.substr(9, 3));
  size_t at = head.find("\r\n") + 2;
  while (at + 2 < head.size()) {
    const size_t end = head.find("\r\n", at);
    const size_t colon = head.find(": ", at);
    response.headers.emplace_back(head.substr(at, colon - at),
                                  head.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  if (head_only || response.status == 304 || response.status == 204) return response;
  if (response.Header("transfer-encoding") == "chunked") {
    for (;;) {
      const std::string line = client.ReceiveUntil("\r\n");
      const size_t size = line.empty() ? 0 : std::stoul(line, nullptr, 16);
      response.body += client.ReceiveExactly(size);
      client.ReceiveUntil("\r\n");
      if (size == 0) return response;
    }
  }
  const std::string length = response.Header("content-length");
  response.body = client.ReceiveExactly(length.empty() ? 0 : std::stoul(length));
  return response;
}

inline std::string GrpcWebRequestHead(const std::string& method, size_t body_size,
                                      const std::string& more = "") {
  return "POST " + method + " HTTP/1.1\r\nhost: localhost\r\n" +
         "content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: " +
         std::to_string(body_size) + "\r\n" + more + "\r\n";
}

inline std::string Framed(const std::string& message) {
  return GrpcWebFrameHeader(static_cast<uint32_t>(message.size())) + message;
}

// The frames of a response body: messages, and the text of the trailers last.
inline std::vector<std::string> Frames(std::string_view body) {
  std::vector<std::string> frames;
  while (body.size() >= 5) {
    size_t size = 0;
    for (size_t i = 1; i < 5; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
    if (size > body.size() - 5) break;
    frames.emplace_back(body.substr(5, size));
    body.remove_prefix(5 + size);
  }
  return frames;
}

inline RawResponse CallGrpcWeb(RawClient& client, const std::string& method,
                               const std::string& message, const std::string& headers = "") {
  const std::string body = Framed(message);
  client.Send(GrpcWebRequestHead(method, body.size(), headers) + body);
  return ReceiveResponse(client);
}

// google.protobuf.StringValue, so that no generated code is needed: field 1 is the resource's name
// to the proxy, and nothing to a registered service.
inline std::string StringMessage(const std::string& value) {
  google::protobuf::StringValue message;
  message.set_value(value);
  return message.SerializeAsString();
}

inline std::string StringOf(const std::string& message) {
  google::protobuf::StringValue value;
  return value.ParseFromString(message) ? value.value() : "<no message>";
}

// Echo answers what it got; Wait waits until its context ends; Size answers as many bytes as asked;
// Fail fails with the code given.
class EchoRpc : public RpcService {
 public:
  explicit EchoRpc(Admission& admission) : RpcService("test.v1.EchoService", admission) {
    using google::protobuf::Int32Value;
    using google::protobuf::StringValue;
    Unary<StringValue, StringValue>("Echo", [](Call& call, const auto& request, auto& response) {
      response.set_value(request.value());
      call.AddHeader("x-seen", call.Metadata("x-sent"));
      if (const std::string binary = call.Metadata("x-sent-bin"); !binary.empty())
        call.AddHeader("x-seen-bin", binary);
      return absl::OkStatus();
    });
    Unary<StringValue, StringValue>("Owner", [](Call& call, const auto&, auto& response) {
      response.set_value(call.owner() + "@" + call.peer());
      return absl::OkStatus();
    });
    Unary<StringValue, StringValue>("Wait", [this](Call& call, const auto&, auto&) {
      ++waiting;
      absl::Status status;
      while ((status = call.context().Check()).ok())
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --waiting;
      return status;
    });
    Unary<Int32Value, StringValue>("Size", [](Call&, const auto& request, auto& response) {
      response.set_value(std::string(static_cast<size_t>(request.value()), 'x'));
      return absl::OkStatus();
    });
    Unary<Int32Value, StringValue>("Fail", [](Call&, const auto& request, auto&) {
      return absl::Status(static_cast<absl::StatusCode>(request.value()), "as ordered: 100 %\n");
    });
  }
  std::atomic<int> waiting{0};
};

}  // namespace bowerbird::serve::test
