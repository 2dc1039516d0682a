// SPDX-License-Identifier: Apache-2.0
//
// What the parts of a catalog share: the database, the blobs, the clock. Internal to this room.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "data/caller.h"
#include "store/blobs.h"
#include "store/database.h"

namespace bowerbird::data {

using store::Bytes;
using store::Connection;
using store::Row;

class Core {
 public:
  Core(std::unique_ptr<store::Database> database, std::unique_ptr<store::Blobs> blobs,
       FileSystem& files, std::string directory, std::function<Time()> now)
      : database_(std::move(database)),
        blobs_(std::move(blobs)),
        files_(files),
        directory_(std::move(directory)),
        now_(std::move(now)) {}

  store::Database& database() { return *database_; }
  store::Blobs& blobs() { return *blobs_; }
  FileSystem& files() { return files_; }
  const std::string& directory() const { return directory_; }
  Time Now() const { return now_(); }

 private:
  const std::unique_ptr<store::Database> database_;
  const std::unique_ptr<store::Blobs> blobs_;
  FileSystem& files_;
  const std::string directory_;
  const std::function<Time()> now_;
};

constexpr int64_t kNanosecondsOfDay = 86'400'000'000'000;

inline int64_t Nanoseconds(Time time) { return time.time_since_epoch().count(); }
inline Time TimeOf(int64_t nanoseconds) { return Time(std::chrono::nanoseconds(nanoseconds)); }

// The UTC day, also before 1970.
constexpr int64_t DayOf(int64_t nanoseconds) {
  const int64_t day = nanoseconds / kNanosecondsOfDay;
  return nanoseconds % kNanosecondsOfDay < 0 ? day - 1 : day;
}

// Bytes of an even number of hex digits; "" if they are none.
std::string BytesOfHex(std::string_view hex);
std::string HexOfBytes(std::string_view bytes);

// "1,2,3": numbers of ours, put into a statement as they are.
std::string Joined(const std::vector<int64_t>& numbers);

// The number of an organization, 0 if nothing was ever stored for it.
absl::StatusOr<int64_t> FindOrganization(Connection& connection, const std::string& id);
// Made if it is missing. INVALID_ARGUMENT without an id.
absl::StatusOr<int64_t> MakeOrganization(Connection& connection, const std::string& id);

}  // namespace bowerbird::data
