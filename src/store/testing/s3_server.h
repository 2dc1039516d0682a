// SPDX-License-Identifier: Apache-2.0
//
// An S3 server of the test's own: s3rver from npm, in a temporary folder, on a free port. One for
// the whole test program. It checks signatures against its well-known credentials.
#pragma once

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "base/descriptor.h"
#include "base/status.h"
#include "base/subprocess.h"

namespace bowerbird::store {

class S3Server {
 public:
  // NOT_FOUND where it is not installed: a test may be skipped then. Any other error is a server
  // that is there and does not start: a test fails.
  static absl::StatusOr<S3Server*> Get() {
    static const auto* const server = new absl::StatusOr<std::unique_ptr<S3Server>>(Start());
    if (!server->ok()) return server->status();
    return (*server)->get();
  }

  // A place of its own in the bucket.
  std::string Location() {
    return "s3://blobs/test" + std::to_string(next_++) +
           "?region=us-east-1&endpoint=http://127.0.0.1:" + std::to_string(port_);
  }

  ~S3Server() {
    if (server_ != nullptr) server_->Kill();
    std::filesystem::remove_all(folder_);
  }

 private:
  static bool IsListening(int port) {
    const Descriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  static int FreePort() {
    const Descriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return 0;
    }
    return ntohs(address.sin_port);
  }

  static absl::StatusOr<std::unique_ptr<S3Server>> Start() {
    const std::string script = BOWERBIRD_NODE_MODULES "/s3rver/bin/s3rver.js";
    if (!std::filesystem::exists(script)) {
      return NotFound("s3rver is not installed: npm ci --prefix tests");
    }
    auto server = std::make_unique<S3Server>();
    std::string pattern = "/tmp/bowerbird_s3_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return Internal("mkdtemp " + pattern);
    server->folder_ = pattern;
    server->port_ = FreePort();
    Subprocess::Options options;
    options.argv = {"node",
                    script,
                    "-d",
                    pattern,
                    "-a",
                    "127.0.0.1",
                    "-p",
                    std::to_string(server->port_),
                    "--configure-bucket",
                    "blobs",
                    "--silent"};
    options.output = Subprocess::Stream::kNull;
    ASSIGN_OR_RETURN(server->server_, Subprocess::Start(std::move(options)));
    setenv("AWS_ACCESS_KEY_ID", "S3RVER", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "S3RVER", 1);
    for (int attempt = 0; attempt < 400; ++attempt) {
      if (IsListening(server->port_)) return server;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return Unavailable("s3rver did not start: " + server->server_->Stderr());
  }

  std::string folder_;
  int port_ = 0;
  int next_ = 0;
  std::unique_ptr<Subprocess> server_;
};

}  // namespace bowerbird::store
