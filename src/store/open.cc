// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "base/status.h"
#include "store/blobs.h"
#include "store/database.h"
#include "store/file_blobs.h"
#include "store/postgresql_database.h"
#include "store/s3_blobs.h"
#include "store/sqlite_database.h"

namespace bowerbird::store {

absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options) {
  const std::string_view location = options.location;
  constexpr std::string_view kSqlite = "sqlite:";
  if (location.starts_with(kSqlite) && location.size() > kSqlite.size()) {
    return OpenSqlite(std::string(location.substr(kSqlite.size())), options.migrations);
  }
  if (location.starts_with("postgresql://") || location.starts_with("postgres://")) {
    return OpenPostgresql(options.location, options.migrations);
  }
  return InvalidArgument("database " + options.location +
                         " is neither sqlite:PATH nor postgresql://…");
}

absl::StatusOr<std::unique_ptr<Blobs>> OpenBlobs(const BlobsOptions& options) {
  if (options.location.starts_with("s3://")) return OpenS3Blobs(options);
  if (options.location.find("://") != std::string::npos) {
    return InvalidArgument("blobs " + options.location +
                           ": neither a directory nor s3://BUCKET/PREFIX?endpoint=URL&region=NAME");
  }
  return OpenFileBlobs(options);
}

}  // namespace bowerbird::store
