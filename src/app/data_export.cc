// SPDX-License-Identifier: Apache-2.0
#include "app/data_export.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "annotation/format.h"
#include "app/data_export_fetch.h"
#include "app/data_export_journal.h"
#include "app/data_export_names.h"
#include "app/item_filter.h"
#include "app/progress.h"
#include "base/file_system.h"
#include "base/status.h"
#include "bowerbird/v1/dataset.pb.h"
#include "image/codec.h"
#include "wire/hub/annotations.h"

namespace bowerbird::app {
namespace {

namespace v1 = bowerbird::v1;
using annotation::AnnotatedImage;
using annotation::Problem;

// Items of one call. A call that waits for pictures would run into the server's limit of time.
constexpr uint64_t kItemsOfCall = 20'000;
constexpr uint64_t kItemsOfCallWithPictures = 200;
constexpr uint64_t kLargestPicture = uint64_t{256} << 20;  // whose header is looked at
constexpr size_t kMostProblems = 1000;

AnnotatedImage ImageOf(const v1::AnnotatedItem& item) {
  AnnotatedImage image{.path = "",
                       .width = static_cast<int>(item.width()),
                       .height = static_cast<int>(item.height()),
                       .annotations = wire::ReadAnnotations(item.annotations())};
  image.tags.assign(item.tags().begin(), item.tags().end());
  return image;
}

// A picture on its way: being fetched, or there from an earlier run.
struct Pending {
  std::string id;
  AnnotatedImage image;
  uint64_t size = 0;
  std::optional<Fetch> fetch{};
};

class Run {
 public:
  Run(const HubClient& hub, const ExportOptions& options, FileSystem& files,
      annotation::Writer& writer, uint64_t total)
      : hub_(hub),
        options_(options),
        files_(files),
        writer_(writer),
        incoming_(options.directory + "/.bowerbird-incoming"),
        progress_("exported", total) {}

  absl::Status Open() {
    if (options_.annotations_only) return absl::OkStatus();
    RETURN_IF_ERROR(files_.MakeDirectories(incoming_, 0755));
    ASSIGN_OR_RETURN(journal_, ExportJournal::Open(files_, options_.directory));
    fetcher_.emplace(hub_, files_, options_.parallel);
    return absl::OkStatus();
  }

  absl::Status Take(const v1::AnnotatedItem& item) {
    if (Interrupted()) return absl::CancelledError("interrupted");
    Pending next{
        .id = item.binary_data_id(), .image = ImageOf(item), .size = item.file_size_bytes()};
    next.image.path = names_.NameOf({item.binary_data_id(), item.file_name(), item.file_ext()});
    if (options_.annotations_only) {
      progress_.Add(1, 0);
      return Add(next).status();
    }
    while (pending_.size() >= fetcher_->capacity()) RETURN_IF_ERROR(SettleFirst());
    pending_.push_back(std::move(next));
    if (!IsThere(pending_.back())) Begin(pending_.back());
    return absl::OkStatus();
  }

  absl::Status Close() {
    while (!pending_.empty()) RETURN_IF_ERROR(SettleFirst());
    RETURN_IF_ERROR(writer_.Finish());
    TakeProblems();
    if (options_.annotations_only) return absl::OkStatus();
    RETURN_IF_ERROR(journal_->Sync());
    // Files that a run left which was killed are in the way of nothing but this.
    ASSIGN_OR_RETURN(const auto left, files_.List(incoming_));
    for (const std::string& name : left) files_.Remove(incoming_ + "/" + name).IgnoreError();
    return files_.RemoveDirectory(incoming_);
  }

  ExportReport& report() { return report_; }

 private:
  void Begin(Pending& pending) {
    const uint64_t number = begun_++ % fetcher_->capacity();
    pending.fetch = Fetch{.id = pending.id, .path = incoming_ + "/" + std::to_string(number)};
    fetcher_->Begin(*pending.fetch);
  }

  bool IsThere(const Pending& pending) const {
    const ExportJournal::Picture* known = journal_->Find(pending.id);
    if (known == nullptr) return false;
    const auto info = files_.Stat(options_.directory + "/" + known->path);
    return info.ok() && info->size == pending.size;
  }

  // In the order of the items, so that an export is the same however long each picture takes.
  absl::Status SettleFirst() {
    Pending& first = pending_.front();
    // The picture of an earlier run may have made room for another one meanwhile.
    if (!first.fetch && !IsThere(first)) Begin(first);
    absl::Status settled = first.fetch ? SettleFetched(first) : SettleKept(first);
    pending_.pop_front();
    return settled;
  }

  absl::Status SettleKept(Pending& pending) {
    const ExportJournal::Picture known = *journal_->Find(pending.id);
    pending.image.width = known.width;
    pending.image.height = known.height;
    ASSIGN_OR_RETURN(const std::string path, Add(pending));
    progress_.Add(1, 0);
    if (path.empty()) return absl::OkStatus();
    ++report_.kept;
    if (path == known.path) return absl::OkStatus();
    return Place(pending, options_.directory + "/" + known.path, path);
  }

  absl::Status SettleFetched(Pending& pending) {
    fetcher_->Wait(*pending.fetch);
    const Fetch& fetch = *pending.fetch;
    if (absl::IsNotFound(fetch.status) || absl::IsDataLoss(fetch.status)) {
      Skip(pending, MessageOf(fetch.status));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(fetch.status);
    if (pending.image.width == 0) LookAt(fetch.path, pending.image);
    ASSIGN_OR_RETURN(const std::string path, Add(pending));
    progress_.Add(1, fetch.bytes);
    if (path.empty()) return absl::OkStatus();
    ++report_.fetched;
    report_.bytes += fetch.bytes;
    return Place(pending, fetch.path, path);
  }

  // The hub knows no size where it stands behind much metadata.
  void LookAt(const std::string& path, AnnotatedImage& image) const {
    const auto bytes = ReadFile(files_, path, kLargestPicture);
    if (!bytes.ok()) return;
    const auto header = image::ReadHeader(
        std::span(reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()));
    if (!header.ok()) return;
    image.width = header->size.width;
    image.height = header->size.height;
  }

  absl::Status Place(const Pending& pending, const std::string& from, const std::string& path) {
    const std::string full = options_.directory + "/" + path;
    RETURN_IF_ERROR(MakeFolder(ParentDirectory(full)));
    RETURN_IF_ERROR(files_.Rename(from, full));
    return journal_->Add(
        pending.id, {.path = path, .width = pending.image.width, .height = pending.image.height},
        pending.size);
  }

  absl::Status MakeFolder(const std::string& folder) {
    if (folder == made_folder_) return absl::OkStatus();
    RETURN_IF_ERROR(files_.MakeDirectories(folder, 0755));
    made_folder_ = folder;
    return absl::OkStatus();
  }

  // Where the picture belongs; "" where it cannot be in this format, which is told.
  absl::StatusOr<std::string> Add(const Pending& pending) {
    auto path = writer_.Add(pending.image);
    TakeProblems();
    if (absl::IsInvalidArgument(path.status())) {
      Skip(pending, MessageOf(path.status()));
      return std::string();
    }
    if (path.ok()) ++report_.items;
    return path;
  }

  void Skip(const Pending& pending, std::string why) {
    ++report_.skipped;
    Tell({.kind = Problem::Kind::kImageSkipped,
          .file = pending.id,
          .place = "",
          .what = std::move(why)});
  }

  void TakeProblems() {
    for (Problem& problem : writer_.TakeProblems()) Tell(std::move(problem));
  }

  void Tell(Problem problem) {
    if (++report_.problem_count <= kMostProblems) report_.problems.push_back(std::move(problem));
  }

  const HubClient& hub_;
  const ExportOptions& options_;
  FileSystem& files_;
  annotation::Writer& writer_;
  const std::string incoming_;
  Progress progress_;
  ExportNames names_;
  std::unique_ptr<ExportJournal> journal_;
  std::string made_folder_;
  uint64_t begun_ = 0;
  std::deque<Pending> pending_;
  std::optional<Fetcher> fetcher_;  // behind what it works on
  ExportReport report_;
};

// Each item of the filter, oldest first.
absl::Status ReadAnnotations(const HubClient& hub, const ExportOptions& options,
                             const std::function<absl::Status(const v1::AnnotatedItem&)>& take) {
  v1::ReadAnnotationsRequest request;
  *request.mutable_filter() = options.filter;
  request.set_limit(options.annotations_only ? kItemsOfCall : kItemsOfCallWithPictures);
  std::vector<v1::ReadAnnotationsResponse> waiting;
  const auto take_all = [&](const v1::ReadAnnotationsResponse& response) -> absl::Status {
    for (const v1::AnnotatedItem& item : response.items()) RETURN_IF_ERROR(take(item));
    return absl::OkStatus();
  };
  do {
    std::string last;
    RETURN_IF_ERROR(hub.Read<v1::ReadAnnotationsResponse>(
        "/bowerbird.v1.AnnotationService/ReadAnnotations", request,
        [&](const v1::ReadAnnotationsResponse& response) {
          last = response.last();
          if (options.annotations_only) return take_all(response);
          waiting.push_back(response);
          return absl::OkStatus();
        }));
    for (const v1::ReadAnnotationsResponse& response : waiting) RETURN_IF_ERROR(take_all(response));
    waiting.clear();
    request.set_last(last);
  } while (!request.last().empty());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExportReport> Export(const HubClient& hub, const ExportOptions& options) {
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(const annotation::Format* format, annotation::FindFormat(options.format));
  if (options.annotations_only && format->name == "folders") {
    return InvalidArgument(
        "format folders says everything by where the pictures lie: leave out --annotations-only, "
        "or choose another format");
  }
  ASSIGN_OR_RETURN(const uint64_t total, CountItems(hub, options.filter));
  RETURN_IF_ERROR(files->MakeDirectories(options.directory, 0755));
  ASSIGN_OR_RETURN(const auto writer,
                   annotation::CreateWriter(*format, *files, {.directory = options.directory}));
  Run run(hub, options, *files, *writer, total);
  RETURN_IF_ERROR(run.Open());
  RETURN_IF_ERROR(ReadAnnotations(
      hub, options, [&run](const v1::AnnotatedItem& item) { return run.Take(item); }));
  RETURN_IF_ERROR(run.Close());
  return std::move(run.report());
}

}  // namespace bowerbird::app
