// SPDX-License-Identifier: Apache-2.0
#include "store/postgresql_database.h"

#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "store/group_writer.h"
#include "store/migrations.h"
#include "store/postgresql_connection.h"

namespace bowerbird::store {
namespace {

constexpr size_t kMostReaders = 8;
constexpr const char* kBeginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
// Whoever holds this writes. Held by the writer's connection, so it ends with the process.
constexpr const char* kTakeLock = "SELECT pg_advisory_lock(7093847561)";
// The server keeps the lock of a process that was killed until it sees that nobody is there.
constexpr const char* kLockPatience = "SET lock_timeout = '3s'";
constexpr const char* kNoPatience = "SET lock_timeout = 0";
// It looks for that also while it runs a statement; versions before 14 do not know the setting.
constexpr const char* kLookForClient = "SET client_connection_check_interval = '1s'";

absl::StatusOr<std::unique_ptr<PostgresqlConnection>> OpenWriter(const std::string& uri) {
  ASSIGN_OR_RETURN(auto connection, PostgresqlConnection::Open(uri));
  (void)connection->Run(kLookForClient);
  RETURN_IF_ERROR(connection->Run(kLockPatience));
  const absl::Status locked = connection->Run(kTakeLock);
  if (!locked.ok() && !connection->IsBroken()) {
    return FailedPrecondition(
        "another process uses this PostgreSQL database: stop it, or use another database");
  }
  RETURN_IF_ERROR(locked);
  RETURN_IF_ERROR(connection->Run(kNoPatience));
  return connection;
}

class PostgresqlSession : public WriteSession {
 public:
  PostgresqlSession(std::string uri, std::unique_ptr<PostgresqlConnection> connection)
      : uri_(std::move(uri)), connection_(std::move(connection)) {}
  Connection& connection() override { return *connection_; }
  absl::Status Prepare() override {
    if (!connection_->IsBroken()) return absl::OkStatus();
    auto fresh = OpenWriter(uri_);
    // The lock of the connection that broke may outlive it for a moment on the server.
    if (absl::IsFailedPrecondition(fresh.status())) {
      return Unavailable("the connection to PostgreSQL broke: " + MessageOf(fresh.status()));
    }
    RETURN_IF_ERROR(fresh.status());
    connection_ = *std::move(fresh);
    return absl::OkStatus();
  }
  absl::Status Begin() override { return connection_->Run("BEGIN"); }
  absl::Status Commit() override {
    // A transaction in which a statement failed is rolled back by COMMIT without an error.
    if (PQtransactionStatus(connection_->handle()) == PQTRANS_INERROR) {
      return Internal("a failed transaction cannot be committed");
    }
    return connection_->Run("COMMIT");
  }
  void Rollback() override {
    if (PQtransactionStatus(connection_->handle()) != PQTRANS_IDLE) {
      (void)connection_->Run("ROLLBACK");
    }
  }

 private:
  const std::string uri_;
  std::unique_ptr<PostgresqlConnection> connection_;
};

class PostgresqlDatabase : public Database {
 public:
  PostgresqlDatabase(std::string uri, std::unique_ptr<PostgresqlConnection> writer)
      : uri_(std::move(uri)),
        writer_(std::make_unique<PostgresqlSession>(uri_, std::move(writer))) {}

  Engine engine() const override { return Engine::kPostgresql; }
  absl::Status Write(const Work& work) override { return writer_.Write(work); }

  absl::Status Read(const Work& work) override {
    ASSIGN_OR_RETURN(auto connection, TakeReader());
    absl::Status status = connection->Run(kBeginRead);
    if (connection->IsBroken()) {
      // A server that was restarted meanwhile shows only when it is asked.
      auto fresh = PostgresqlConnection::Open(uri_);
      if (fresh.ok()) {
        connection = *std::move(fresh);
        status = connection->Run(kBeginRead);
      }
    }
    if (status.ok()) {
      status = work(*connection);
      const absl::Status ended = connection->Run("ROLLBACK");
      if (status.ok()) status = ended;
    }
    const MutexLock lock(mutex_);
    if (connection->IsBroken()) {
      --readers_;
    } else {
      idle_.push_back(std::move(connection));
    }
    freed_.NotifyOne();
    return status;
  }

  absl::StatusOr<UserResult> RunUserQuery(const Context& context, const UserQuery& query) override {
    return RunPostgresqlUserQuery(uri_, context, query);
  }

 private:
  absl::StatusOr<std::unique_ptr<PostgresqlConnection>> TakeReader() {
    {
      const MutexLock lock(mutex_);
      while (idle_.empty() && readers_ >= kMostReaders) freed_.Wait(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
      ++readers_;
    }
    auto opened = PostgresqlConnection::Open(uri_);
    if (!opened.ok()) {
      const MutexLock lock(mutex_);
      --readers_;
      freed_.NotifyOne();
    }
    return opened;
  }

  const std::string uri_;
  Mutex mutex_;
  CondVar freed_;
  std::vector<std::unique_ptr<PostgresqlConnection>> idle_ ABSL_GUARDED_BY(mutex_);
  size_t readers_ ABSL_GUARDED_BY(mutex_) = 0;
  GroupWriter writer_;  // last: its thread ends first
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenPostgresql(const std::string& uri,
                                                         const std::vector<Migration>& migrations) {
  ASSIGN_OR_RETURN(auto writer, OpenWriter(uri));
  RETURN_IF_ERROR(Migrate(Engine::kPostgresql, migrations, [&](const Database::Work& work) {
    absl::Status status = writer->Run("BEGIN");
    if (status.ok()) status = work(*writer);
    if (status.ok()) return writer->Run("COMMIT");
    (void)writer->Run("ROLLBACK");
    return status;
  }));
  return std::make_unique<PostgresqlDatabase>(uri, std::move(writer));
}

}  // namespace bowerbird::store
