// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"
#include "data/item.h"
#include "data/references.h"
#include "data/upkeep.h"

namespace bowerbird::data {
namespace {

constexpr int64_t kPortion = 200;
constexpr std::chrono::seconds kReportEvery(1);
// A file without an item may belong to an upload that is on its way.
constexpr std::chrono::hours kOrphanAge(1);

// Something that needs a file.
struct Needed {
  std::string name;  // the item's id, or of which snapshot it is the manifest
  std::string hash;  // hex
  int64_t item = 0;
  uint64_t size = 0;  // 0: not known
};

// What is wrong with the file; "" if nothing.
absl::StatusOr<std::string> CheckBlob(store::Blobs& blobs, const Needed& needed, bool quick,
                                      uint64_t& bytes) {
  const auto reader = blobs.Open(needed.hash);
  if (absl::IsNotFound(reader.status())) return "its file " + needed.hash + " is missing";
  RETURN_IF_ERROR(reader.status());
  const uint64_t size = (*reader)->size();
  if (needed.size != 0 && size != needed.size) {
    return "its file " + needed.hash + " has " + std::to_string(size) + " bytes instead of " +
           std::to_string(needed.size);
  }
  if (quick) return std::string();
  Sha256 hash;
  std::vector<char> buffer(size_t{256} << 10);
  for (uint64_t offset = 0; offset < size;) {
    const auto count = (*reader)->ReadAt(offset, buffer);
    if (!count.ok()) {
      return "its file " + needed.hash + " cannot be read: " + MessageOf(count.status());
    }
    if (*count == 0) break;
    hash.Update({buffer.data(), *count});
    offset += *count;
    bytes += *count;
  }
  if (HexOf(hash.Finish()) != needed.hash) {
    return "its file " + needed.hash + " has been altered";
  }
  return std::string();
}

class Verification {
 public:
  Verification(Core& core, const Caller& caller, bool quick,
               const std::function<absl::Status(const VerifyProgress&)>& report)
      : core_(core), caller_(caller), quick_(quick), report_(report) {}

  absl::Status Run() {
    RETURN_IF_ERROR(CountAll());
    RETURN_IF_ERROR(CheckItems());
    RETURN_IF_ERROR(CheckManifests());
    RETURN_IF_ERROR(FindOrphans());
    return report_(progress_);
  }

 private:
  absl::Status CountAll() {
    return core_.database().Read([&](Connection& connection) -> absl::Status {
      ASSIGN_OR_RETURN(org_, FindOrganization(connection, caller_.organization_id));
      const auto add = [&](const Row& row) {
        progress_.total += static_cast<uint64_t>(row.Integer(0));
        return absl::OkStatus();
      };
      RETURN_IF_ERROR(connection.Query(
          "SELECT COALESCE(SUM(d.items), 0) FROM item_days d JOIN sources s ON s.source = d.source"
          " WHERE s.org = $1",
          {org_}, add));
      return connection.Query("SELECT COUNT(*) FROM snapshots WHERE org = $1", {org_}, add);
    });
  }

  // In the order of their hashes: a file that several items have is read once.
  absl::Status CheckItems() {
    std::string after_hash;
    int64_t after_item = 0;
    while (true) {
      std::vector<Needed> portion;
      const absl::Status read = core_.database().Read([&](Connection& connection) {
        return connection.Query(
            "SELECT i.hash, i.item, i.size, s.location_id, i.file_id FROM items i"
            " JOIN sources s ON s.source = i.source WHERE i.org = $1 AND (i.hash, i.item) >"
            " ($2, $3) ORDER BY i.hash, i.item LIMIT $4",
            {org_, Bytes{after_hash}, after_item, kPortion}, [&](const Row& row) {
              portion.push_back(
                  {.name = ItemIdOf(caller_.organization_id, row.Text(3), HexOfBytes(row.Blob(4))),
                   .hash = HexOfBytes(row.Blob(0)),
                   .item = row.Integer(1),
                   .size = static_cast<uint64_t>(row.Integer(2))});
              return absl::OkStatus();
            });
      });
      RETURN_IF_ERROR(read);
      if (portion.empty()) return absl::OkStatus();
      for (const Needed& needed : portion) RETURN_IF_ERROR(Check(needed));
      after_hash = BytesOfHex(portion.back().hash);
      after_item = portion.back().item;
    }
  }

  absl::Status CheckManifests() {
    std::vector<Needed> manifests;
    const absl::Status read = core_.database().Read([&](Connection& connection) {
      return connection.Query("SELECT DISTINCT id FROM snapshots WHERE org = $1 ORDER BY id",
                              {org_}, [&](const Row& row) {
                                const std::string id(row.Text(0));
                                manifests.push_back({.name = "snapshot " + id, .hash = id});
                                return absl::OkStatus();
                              });
    });
    RETURN_IF_ERROR(read);
    for (const Needed& needed : manifests) RETURN_IF_ERROR(Check(needed));
    return absl::OkStatus();
  }

  absl::Status Check(const Needed& needed) {
    if (needed.hash != last_hash_) {
      ASSIGN_OR_RETURN(last_problem_,
                       CheckBlob(core_.blobs(), needed, quick_, progress_.checked_bytes));
      last_hash_ = needed.hash;
    }
    ++progress_.checked;
    // Deleted while it was looked at: no problem.
    if (!last_problem_.empty()) {
      ASSIGN_OR_RETURN(const bool used, IsUsed(core_, needed.hash));
      if (used) progress_.problems.push_back({.id = needed.name, .message = last_problem_});
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - reported_ < kReportEvery) return absl::OkStatus();
    reported_ = now;
    absl::Status status = report_(progress_);
    progress_.problems.clear();
    return status;
  }

  absl::Status FindOrphans() {
    return core_.blobs().ForEach([&](const store::BlobInfo& info) -> absl::Status {
      if (info.modified + kOrphanAge > std::chrono::system_clock::now()) return absl::OkStatus();
      ASSIGN_OR_RETURN(const bool used, IsUsed(core_, info.hash));
      if (!used) progress_.files_without_item.push_back(info.hash);
      return absl::OkStatus();
    });
  }

  Core& core_;
  const Caller& caller_;
  const bool quick_;
  const std::function<absl::Status(const VerifyProgress&)>& report_;
  int64_t org_ = 0;
  VerifyProgress progress_;
  std::string last_hash_, last_problem_;
  std::chrono::steady_clock::time_point reported_ = std::chrono::steady_clock::now();
};

}  // namespace

absl::StatusOr<bool> IsUsed(Core& core, const std::string& hash) {
  bool used = false;
  const std::string bytes = BytesOfHex(hash);
  const absl::Status read = core.database().Read([&](Connection& connection) -> absl::Status {
    const auto found = [&](const Row&) {
      used = true;
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(
        connection.Query("SELECT 1 FROM items WHERE hash = $1 LIMIT 1", {Bytes{bytes}}, found));
    return connection.Query("SELECT 1 FROM snapshots WHERE id = $1 LIMIT 1", {hash}, found);
  });
  RETURN_IF_ERROR(read);
  return used;
}

absl::Status Upkeep::Verify(const Caller& caller, bool quick,
                            const std::function<absl::Status(const VerifyProgress&)>& report) {
  Verification verification(core_, caller, quick, report);
  return verification.Run();
}

}  // namespace bowerbird::data
