// SPDX-License-Identifier: Apache-2.0
//
// A PostgreSQL server of the test's own: from Debian's package, in a temporary folder, on a socket
// in that folder, without a network port. One for the whole test program; each test asks for a
// database of its own.
#pragma once

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "base/subprocess.h"
#include "store/database.h"

namespace bowerbird::store {

class PostgresqlServer {
 public:
  // NOT_FOUND where PostgreSQL is not installed: a test may be skipped then. Any other error is a
  // server that is there and does not start: a test fails.
  static absl::StatusOr<PostgresqlServer*> Get() {
    static const auto* const server =
        new absl::StatusOr<std::unique_ptr<PostgresqlServer>>(Start());
    if (!server->ok()) return server->status();
    return (*server)->get();
  }

  // The URI of a new, empty database.
  absl::StatusOr<std::string> CreateDatabase() {
    const std::string name = "test" + std::to_string(next_++);
    RETURN_IF_ERROR(Run({programs_ + "/createdb", "-h", folder_, "-U", "bowerbird", name}));
    return "postgresql:///" + name + "?host=" + folder_ + "&user=bowerbird";
  }

  ~PostgresqlServer() {
    if (server_ != nullptr) server_->Kill();
    std::filesystem::remove_all(folder_);
  }

 private:
  static std::string FindPrograms() {
    const std::filesystem::path root = "/usr/lib/postgresql";
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator(root, error)) {
      if (std::filesystem::exists(version.path() / "bin/initdb")) {
        return (version.path() / "bin").string();
      }
    }
    return "";
  }

  // The server refuses to run as root.
  static std::vector<std::string> AsUser(std::vector<std::string> command) {
    if (geteuid() != 0) return command;
    std::vector<std::string> whole = {"setpriv",        "--reuid=postgres", "--regid=postgres",
                                      "--clear-groups", "--pdeathsig=KILL", "--"};
    whole.insert(whole.end(), command.begin(), command.end());
    return whole;
  }

  static absl::StatusOr<std::unique_ptr<Subprocess>> Spawn(std::vector<std::string> command) {
    Subprocess::Options options;
    options.argv = std::move(command);
    options.output = Subprocess::Stream::kNull;
    options.directory = "/";
    return Subprocess::Start(std::move(options));
  }

  static absl::Status Run(std::vector<std::string> command) {
    ASSIGN_OR_RETURN(const auto child, Spawn(std::move(command)));
    const auto end = child->Wait();
    return end->ok() ? absl::OkStatus() : Internal(child->Stderr());
  }

  static absl::StatusOr<std::unique_ptr<PostgresqlServer>> Start() {
    auto server = std::make_unique<PostgresqlServer>();
    server->programs_ = FindPrograms();
    if (server->programs_.empty()) {
      return NotFound("PostgreSQL is not installed: apt-get install postgresql");
    }
    std::string pattern = "/tmp/bowerbird_postgresql_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return Internal("mkdtemp " + pattern);
    server->folder_ = pattern;
    if (geteuid() == 0) {
      const passwd* const user = getpwnam("postgres");
      if (user == nullptr || chown(pattern.c_str(), user->pw_uid, user->pw_gid) != 0) {
        return FailedPrecondition("there is no user postgres to run a server as");
      }
    }
    const std::string data = server->folder_ + "/data";
    RETURN_IF_ERROR(Run(AsUser({server->programs_ + "/initdb", "-D", data, "-A", "trust", "-U",
                                "bowerbird", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"})));
    ASSIGN_OR_RETURN(server->server_, Spawn(AsUser({server->programs_ + "/postgres", "-D", data,
                                                    "-k", server->folder_, "-c",
                                                    "listen_addresses=", "-c", "fsync=off"})));
    for (int attempt = 0; attempt < 400; ++attempt) {
      if (Run({server->programs_ + "/pg_isready", "-q", "-h", server->folder_}).ok()) return server;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return Unavailable("PostgreSQL did not start: " + server->server_->Stderr());
  }

  std::string programs_, folder_;
  int next_ = 0;
  std::unique_ptr<Subprocess> server_;
};

}  // namespace bowerbird::store
