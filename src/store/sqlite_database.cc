// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_database.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/mutex.h"
#include "base/status.h"
#include "store/group_writer.h"
#include "store/migrations.h"
#include "store/sqlite_connection.h"

namespace bowerbird::store {
namespace {

constexpr size_t kMostReaders = 8;

class SqliteSession : public WriteSession {
 public:
  explicit SqliteSession(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)) {}
  Connection& connection() override { return *connection_; }
  absl::Status Prepare() override { return absl::OkStatus(); }
  absl::Status Begin() override { return connection_->Run("BEGIN IMMEDIATE"); }
  absl::Status Commit() override { return connection_->Run("COMMIT"); }
  void Rollback() override {
    // SQLite has ended the transaction itself after some errors.
    if (sqlite3_get_autocommit(connection_->handle()) == 0) (void)connection_->Run("ROLLBACK");
  }

 private:
  const std::unique_ptr<SqliteConnection> connection_;
};

class SqliteDatabase : public Database {
 public:
  SqliteDatabase(std::string path, Descriptor lock, std::unique_ptr<SqliteConnection> writer)
      : path_(std::move(path)),
        lock_(std::move(lock)),
        writer_(std::make_unique<SqliteSession>(std::move(writer))) {}

  Engine engine() const override { return Engine::kSqlite; }
  absl::Status Write(const Work& work) override { return writer_.Write(work); }

  absl::Status Read(const Work& work) override {
    ASSIGN_OR_RETURN(auto connection, TakeReader());
    absl::Status status = connection->Run("BEGIN");
    if (status.ok()) {
      status = work(*connection);
      const absl::Status ended = connection->Run("ROLLBACK");
      if (status.ok()) status = ended;
    }
    const MutexLock lock(mutex_);
    idle_.push_back(std::move(connection));
    freed_.NotifyOne();
    return status;
  }

  absl::StatusOr<UserResult> RunUserQuery(const Context& context, const UserQuery& query) override {
    return RunSqliteUserQuery(path_, context, query);
  }

 private:
  absl::StatusOr<std::unique_ptr<SqliteConnection>> TakeReader() {
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
    auto opened = SqliteConnection::Open(path_, {.read_only = true, .cache_kilobytes = 8192});
    if (!opened.ok()) {
      const MutexLock lock(mutex_);
      --readers_;
      freed_.NotifyOne();
    }
    return opened;
  }

  const std::string path_;
  const Descriptor lock_;
  Mutex mutex_;
  CondVar freed_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_ ABSL_GUARDED_BY(mutex_);
  size_t readers_ ABSL_GUARDED_BY(mutex_) = 0;
  GroupWriter writer_;  // last: its thread ends first
};

// SQLite itself lets several processes write; the counters and caches above it do not expect that.
absl::StatusOr<Descriptor> LockAgainstOthers(const std::string& path) {
  const std::string lock_path = path + ".lock";
  Descriptor lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return ErrnoStatus(errno, "open " + lock_path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return FailedPrecondition("another process has " + path +
                              " open: stop it, or use another data directory");
  }
  return lock;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path,
                                                     const std::vector<Migration>& migrations) {
  ASSIGN_OR_RETURN(Descriptor lock, LockAgainstOthers(path));
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, {.cache_kilobytes = 32768}));
  RETURN_IF_ERROR(writer->Run("PRAGMA journal_mode=WAL"));
  RETURN_IF_ERROR(writer->Run("PRAGMA synchronous=FULL"));
  // The log grows to 16 MB before it is copied back: under load that is one copy for many commits.
  RETURN_IF_ERROR(writer->Run("PRAGMA wal_autocheckpoint=4000"));
  RETURN_IF_ERROR(writer->Run("PRAGMA journal_size_limit=67108864"));
  RETURN_IF_ERROR(Migrate(Engine::kSqlite, migrations, [&](const Database::Work& work) {
    absl::Status status = writer->Run("BEGIN IMMEDIATE");
    if (status.ok()) status = work(*writer);
    if (status.ok()) status = writer->Run("COMMIT");
    if (!status.ok() && sqlite3_get_autocommit(writer->handle()) == 0) {
      (void)writer->Run("ROLLBACK");
    }
    return status;
  }));
  return std::make_unique<SqliteDatabase>(path, std::move(lock), std::move(writer));
}

}  // namespace bowerbird::store
