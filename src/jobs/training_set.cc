// SPDX-License-Identifier: Apache-2.0
#include "jobs/training_set.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "annotation/annotation_hash.h"
#include "base/sha256.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

using Json = nlohmann::json;

// A record of a snapshot's manifest (docs/formats/snapshot.md): content, annotations, side.
constexpr std::string_view kHeading = "bowerbird snapshot 1\n";
constexpr size_t kRecordBytes = 65;
using Record = std::array<char, kRecordBytes>;
constexpr size_t kPiece = size_t{256} << 10;
constexpr double kLabeledShare = 0.8;

// Of a lower-case hex digit.
int DigitOf(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

class Manifest {
 public:
  static absl::StatusOr<Manifest> Read(store::BlobReader& blob) {
    Manifest manifest;
    const uint64_t bytes = blob.size();
    if (bytes < kHeading.size() || (bytes - kHeading.size()) % kRecordBytes != 0)
      return absl::DataLossError("the snapshot's manifest is damaged: run `bowerbird data verify`");
    manifest.records_.resize((bytes - kHeading.size()) / kRecordBytes);
    const auto into = std::span(reinterpret_cast<char*>(manifest.records_.data()),
                                manifest.records_.size() * kRecordBytes);
    for (size_t at = 0; at < into.size();) {
      ASSIGN_OR_RETURN(const size_t count, blob.ReadAt(kHeading.size() + at, into.subspan(at)));
      if (count == 0) return absl::DataLossError("the snapshot's manifest ends before its size");
      at += count;
    }
    return manifest;
  }

  size_t size() const { return records_.size(); }

  // The side of an item that is as it was in the snapshot.
  std::optional<annotation::Split> SideOf(const std::string& content,
                                          const Sha256Digest& annotations) const {
    Record wanted{};
    for (size_t i = 0; i < 32 && 2 * i + 1 < content.size(); ++i)
      wanted[i] = static_cast<char>(DigitOf(content[2 * i]) << 4 | DigitOf(content[2 * i + 1]));
    std::memcpy(wanted.data() + 32, annotations.data(), annotations.size());
    const auto found = std::lower_bound(records_.begin(), records_.end(), wanted,
                                        [](const Record& a, const Record& b) {
                                          return std::memcmp(a.data(), b.data(), kRecordBytes) < 0;
                                        });
    if (found == records_.end() || std::memcmp(found->data(), wanted.data(), 64) != 0)
      return std::nullopt;
    return static_cast<annotation::Split>((*found)[64]);
  }

 private:
  std::vector<Record> records_;
};

// Of the labels that were asked for.
class Selection {
 public:
  explicit Selection(const NewJob& request)
      : labels_(request.labels.begin(), request.labels.end()) {}
  bool Has(const std::string& label) const { return labels_.empty() || labels_.contains(label); }

 private:
  const std::set<std::string> labels_;
};

Json BoxesOf(const data::Item& item, const Selection& selection) {
  Json boxes = Json::array();
  for (const annotation::Box& box : item.annotations.boxes) {
    if (!selection.Has(box.label)) continue;
    boxes.push_back({{"annotation_label", box.label},
                     {"x_min_normalized", box.x_min},
                     {"x_max_normalized", box.x_max},
                     {"y_min_normalized", box.y_min},
                     {"y_max_normalized", box.y_max}});
  }
  return boxes;
}

// What people say of the whole picture is a tag; what is classified without a doubt counts, too.
Json ClassesOf(const data::Item& item, const Selection& selection) {
  std::set<std::string> names(item.tags.begin(), item.tags.end());
  for (const annotation::Classification& one : item.annotations.classifications) {
    if (!one.confidence.has_value()) names.insert(one.label);
  }
  Json classes = Json::array();
  for (const std::string& name : names) {
    if (selection.Has(name)) classes.push_back({{"annotation_label", name}});
  }
  return classes;
}

class Writer {
 public:
  Writer(const TrainingSetOptions& options, const std::string& folder)
      : options_(options), folder_(folder) {}

  absl::Status Open() {
    RETURN_IF_ERROR(options_.files.MakeDirectories(folder_));
    ASSIGN_OR_RETURN(
        file_, options_.files.OpenForWriting(folder_ + "/dataset.jsonl", WriteMode::kTruncate));
    ASSIGN_OR_RETURN(items_,
                     options_.files.OpenForWriting(folder_ + "/items.jsonl", WriteMode::kTruncate));
    return absl::OkStatus();
  }

  absl::Status Add(const data::Item& item, annotation::Split side, const Json& classes,
                   const Json& boxes) {
    ASSIGN_OR_RETURN(const std::string path, PathOf(item));
    const Json line = {{"image_path", path},
                       {"id", item.id},
                       {"sha256", item.content_hash},
                       {"split", annotation::NameOf(side)},
                       {"width", item.width},
                       {"height", item.height},
                       {"classification_annotations", classes},
                       {"bounding_box_annotations", boxes}};
    buffer_ += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const Json origin = {
        {"id", item.id}, {"sha256", item.content_hash}, {"split", annotation::NameOf(side)}};
    item_buffer_ += origin.dump() + "\n";
    return buffer_.size() < kPiece ? absl::OkStatus() : Flush();
  }

  absl::Status Close() {
    RETURN_IF_ERROR(Flush());
    for (WritableFile* file : {file_.get(), items_.get()}) {
      RETURN_IF_ERROR(file->Sync());
      RETURN_IF_ERROR(file->Close());
    }
    return options_.files.SyncDirectory(folder_);
  }

 private:
  absl::Status Flush() {
    RETURN_IF_ERROR(file_->Append(buffer_));
    RETURN_IF_ERROR(items_->Append(item_buffer_));
    buffer_.clear();
    item_buffer_.clear();
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> PathOf(const data::Item& item) {
    const std::string name = item.content_hash.substr(0, 2) + "/" + item.content_hash;
    if (!options_.blob_folder.empty()) return name;
    const std::string path = PictureFolder("", folder_) + "/" + name;
    if (Exists(options_.files, path)) return name;
    RETURN_IF_ERROR(options_.files.MakeDirectories(ParentDirectory(path)));
    ASSIGN_OR_RETURN(const auto from, options_.items.Open(item));
    ASSIGN_OR_RETURN(const auto to, options_.files.OpenForWriting(path, WriteMode::kTruncate));
    std::string piece;
    for (uint64_t offset = 0; offset < from->size(); offset += piece.size()) {
      piece.resize(kPiece);
      ASSIGN_OR_RETURN(const size_t count, from->ReadAt(offset, piece));
      if (count == 0)
        return absl::DataLossError(ToAbsl("the file of " + item.id + " is too short"));
      piece.resize(count);
      RETURN_IF_ERROR(to->Append(piece));
    }
    RETURN_IF_ERROR(to->Sync());
    RETURN_IF_ERROR(to->Close());
    return name;
  }

  const TrainingSetOptions& options_;
  const std::string folder_;
  std::unique_ptr<WritableFile> file_, items_;
  std::string buffer_, item_buffer_;
};

absl::Status Changed() {
  return absl::AbortedError("the dataset was changed while the job was made: submit it again");
}

}  // namespace

std::string PictureFolder(const std::string& blob_folder, const std::string& folder) {
  return blob_folder.empty() ? folder + "/pictures" : blob_folder;
}

absl::StatusOr<TrainingSetCounts> WriteTrainingSet(const TrainingSetOptions& options,
                                                   const data::Caller& caller,
                                                   const data::Snapshot& snapshot,
                                                   const NewJob& request,
                                                   const std::string& folder) {
  ASSIGN_OR_RETURN(const auto blob, options.snapshots.Manifest(caller, snapshot.id));
  ASSIGN_OR_RETURN(const Manifest manifest, Manifest::Read(*blob));
  const Selection selection(request);
  Writer writer(options, folder);
  RETURN_IF_ERROR(writer.Open());
  TrainingSetCounts counts;
  data::Filter filter;
  filter.dataset_id = request.dataset_id;
  RETURN_IF_ERROR(
      options.items.ForEach(caller, filter, [&](const data::Item& item) -> absl::Status {
        const auto side = manifest.SideOf(
            item.content_hash,
            annotation::AnnotationHash(item.annotations, item.tags, item.width, item.height));
        if (!side.has_value()) return Changed();
        const Json classes = ClassesOf(item, selection), boxes = BoxesOf(item, selection);
        const bool detection = request.task == registry::ModelTask::kDetection;
        ++counts.items;
        counts.labeled += (detection ? boxes : classes).empty() ? 0 : 1;
        return writer.Add(item, *side, classes, boxes);
      }));
  if (counts.items != manifest.size()) return Changed();
  RETURN_IF_ERROR(writer.Close());
  return counts;
}

absl::Status CheckTrainable(const TrainingSetCounts& counts, const NewJob& request) {
  if (counts.items == 0)
    return FailedPrecondition("the dataset " + request.dataset_id +
                              " is empty: add labeled pictures to it");
  const bool detection = request.task == registry::ModelTask::kDetection;
  const std::string kind = detection ? "bounding boxes" : "tags";
  if (counts.labeled == 0)
    return FailedPrecondition("no item of the dataset has one of the labels as " + kind +
                              ": label its pictures, or choose other labels");
  const auto share = static_cast<double>(counts.labeled) / static_cast<double>(counts.items);
  if (share >= kLabeledShare || request.choices.force) return absl::OkStatus();
  return FailedPrecondition(
      "only " + std::to_string(counts.labeled) + " of " + std::to_string(counts.items) +
      " items of the dataset are labeled with " + kind +
      ", and at least 80 % must be: label more of them, or submit with --force");
}

}  // namespace bowerbird::jobs
