// SPDX-License-Identifier: Apache-2.0
#include "serve/snapshot_rpc.h"

#include <optional>
#include <string>

#include "bowerbird/v1/dataset.pb.h"
#include "wire/hub/snapshot.h"

namespace bowerbird::serve {

namespace {

constexpr size_t kManifestPiece = 65536;
constexpr int kDifferencesInMessage = 500;

absl::Status ClientGone() { return absl::CancelledError("the client takes no more of the answer"); }

absl::Status SendManifest(Call& call, store::BlobReader& manifest,
                          const std::function<bool(const v1::ReadManifestResponse&)>& send) {
  std::string piece;
  for (uint64_t offset = 0; offset < manifest.size(); offset += piece.size()) {
    RETURN_IF_ERROR(call.context().Check());
    piece.resize(kManifestPiece);
    ASSIGN_OR_RETURN(const size_t count, manifest.ReadAt(offset, piece));
    if (count == 0) return absl::DataLossError("the manifest ends before its size");
    piece.resize(count);
    v1::ReadManifestResponse response;
    response.set_data(piece);
    if (!send(response)) return ClientGone();
  }
  return absl::OkStatus();
}

// Gathers differences into messages of a good size.
class DifferenceSender {
 public:
  using Send = std::function<bool(const v1::DiffSnapshotsResponse&)>;
  explicit DifferenceSender(const Send& send) : send_(send) {}

  absl::Status Counts(const data::SnapshotDifferenceCounts& counts) {
    wire::WriteCounts(counts, *message_.mutable_counts());
    return Flush();
  }
  absl::Status Add(const data::SnapshotDifference& difference) {
    wire::WriteDifference(difference, *message_.add_differences());
    return message_.differences_size() < kDifferencesInMessage ? absl::OkStatus() : Flush();
  }
  absl::Status End() { return message_.differences_size() == 0 ? absl::OkStatus() : Flush(); }

 private:
  absl::Status Flush() {
    const bool sent = send_(message_);
    message_.Clear();
    return sent ? absl::OkStatus() : ClientGone();
  }

  const Send& send_;
  v1::DiffSnapshotsResponse message_;
};

}  // namespace

SnapshotRpc::SnapshotRpc(Admission& admission, Hub hub)
    : HubRpc("bowerbird.v1.SnapshotService", admission, std::move(hub)) {
  AddKeeping();
  AddReading();
}

void SnapshotRpc::AddKeeping() {
  Unary<v1::CreateSnapshotRequest, v1::CreateSnapshotResponse>(
      "CreateSnapshot", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kWrite));
        std::optional<data::SplitOptions> split;
        if (request.has_split()) split = wire::ReadSplit(request.split());
        ASSIGN_OR_RETURN(
            const data::CreatedSnapshot created,
            catalog().snapshots().Create(caller, request.dataset_id(), request.name(), split));
        wire::WriteSnapshot(created.snapshot, *response.mutable_snapshot());
        response.set_existed(created.existed);
        return absl::OkStatus();
      });
  Unary<v1::ListSnapshotsRequest, v1::ListSnapshotsResponse>(
      "ListSnapshots", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        ASSIGN_OR_RETURN(const auto snapshots,
                         catalog().snapshots().List(caller, request.dataset_id()));
        for (const data::Snapshot& snapshot : snapshots)
          wire::WriteSnapshot(snapshot, *response.add_snapshots());
        return absl::OkStatus();
      });
  Unary<v1::GetSnapshotRequest, v1::GetSnapshotResponse>(
      "GetSnapshot", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        ASSIGN_OR_RETURN(const auto snapshot, catalog().snapshots().Get(caller, request.id()));
        wire::WriteSnapshot(snapshot, *response.mutable_snapshot());
        return absl::OkStatus();
      });
  Unary<v1::DeleteSnapshotRequest, v1::DeleteSnapshotResponse>(
      "DeleteSnapshot", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kWrite));
        return catalog().snapshots().Delete(caller, request.id());
      });
  Unary<v1::RestoreSnapshotRequest, v1::RestoreSnapshotResponse>(
      "RestoreSnapshot", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kWrite));
        ASSIGN_OR_RETURN(const data::RestoreResult result,
                         catalog().snapshots().Restore(caller, request.id(), request.dataset_id()));
        response.set_items_added(result.items_added);
        response.set_items_removed(result.items_removed);
        response.set_annotations_changed(result.annotations_changed);
        return absl::OkStatus();
      });
}

void SnapshotRpc::AddReading() {
  ServerStream<v1::ReadManifestRequest, v1::ReadManifestResponse>(
      "ReadManifest", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        ASSIGN_OR_RETURN(const auto manifest, catalog().snapshots().Manifest(caller, request.id()));
        return SendManifest(call, *manifest, send);
      });
  ServerStream<v1::DiffSnapshotsRequest, v1::DiffSnapshotsResponse>(
      "DiffSnapshots", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        DifferenceSender sender(send);
        RETURN_IF_ERROR(catalog().snapshots().Diff(
            caller, request.from_id(), request.to_id(),
            [&](const data::SnapshotDifferenceCounts& counts) { return sender.Counts(counts); },
            [&](const data::SnapshotDifference& one) { return sender.Add(one); }));
        return sender.End();
      });
  Unary<v1::GetStatisticsRequest, v1::GetStatisticsResponse>(
      "GetStatistics", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        const bool of_snapshot = !request.snapshot_id().empty();
        ASSIGN_OR_RETURN(
            const data::SnapshotStatistics statistics,
            of_snapshot ? catalog().snapshots().StatisticsOfSnapshot(caller, request.snapshot_id())
                        : catalog().snapshots().StatisticsOfDataset(caller, request.dataset_id()));
        wire::WriteStatistics(statistics, response);
        return absl::OkStatus();
      });
  Unary<v1::GetLeakReportRequest, v1::GetLeakReportResponse>(
      "GetLeakReport", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        ASSIGN_OR_RETURN(const data::LeakReport report,
                         catalog().snapshots().Leaks(caller, request.snapshot_id(),
                                                     request.near_duplicate_bits()));
        wire::WriteLeaks(report, response);
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
