// SPDX-License-Identifier: Apache-2.0
#include "app/data_import.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "annotation/format.h"
#include "annotation/unread_files.h"
#include "app/data_import_send.h"
#include "app/data_import_settle.h"
#include "app/data_import_watch.h"
#include "app/progress.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "base/status.h"
#include "google/protobuf/util/time_util.h"

namespace bowerbird::app {
namespace {

using annotation::AnnotatedImage;
using annotation::Problem;
using std::chrono::milliseconds;

constexpr size_t kMaxListedProblems = 10'000;
constexpr size_t kSettledAtOnce = 100;
constexpr milliseconds kFirstRetry{200}, kLongestRetry{10'000};
constexpr milliseconds kForEver = std::chrono::hours(24 * 365);

absl::Status InterruptedStatus() {
  return absl::CancelledError("interrupted: the same command again sends the rest");
}

// A hub that is down, starting, full or overloaded: the same call may succeed later.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsAborted(status);
}

// The reader fills a bounded queue, workers ("import-N") send.
class Run {
 public:
  Run(const HubClient& hub, const ImportOptions& options, const std::string& pictures,
      const std::string& part_id)
      : options_(options),
        sender_(hub, options, pictures, part_id, start_),
        settler_(hub, options, start_),
        progress_("imported", 0) {}

  // All that is in the folder now and was not sent by an earlier pass.
  absl::Status Pass(const annotation::Format& format, annotation::Reader& reader,
                    const std::vector<Problem>& unused) {
    {
      const MutexLock lock(mutex_);
      holds_ = format.holds;
      report_.format = std::string(format.name);
      report_.problems.clear();
      report_.problem_count = report_.skipped = 0;
      done_ = false;
      ++pass_;
      for (const Problem& problem : unused) Tell(problem);
    }
    being_written_ = 0;
    std::vector<std::thread> workers;
    workers.reserve(static_cast<size_t>(options_.parallel));
    for (int i = 0; i < options_.parallel; ++i) {
      workers.emplace_back([this, i] {
        pthread_setname_np(pthread_self(), ("import-" + std::to_string(i)).c_str());
        Work();
      });
    }
    const absl::Status read = ReadAll(reader);
    {
      const MutexLock lock(mutex_);
      done_ = true;
      changed_.NotifyAll();
    }
    for (std::thread& worker : workers) worker.join();
    const MutexLock lock(mutex_);
    return failure_.ok() ? read : failure_;
  }

  // Files that the last pass left for later.
  uint64_t being_written() const { return being_written_; }

  ImportReport TakeReport() {
    const MutexLock lock(mutex_);
    return std::move(report_);
  }

 private:
  struct Seen {
    size_t says = 0;  // hash of what is said about the picture, and of the picture when following
    uint32_t pass = 0;
  };

  absl::Status ReadAll(annotation::Reader& reader) {
    while (true) {
      if (Interrupted()) return InterruptedStatus();
      ASSIGN_OR_RETURN(std::optional<annotation::Event> event, reader.Next());
      if (!event.has_value()) return absl::OkStatus();
      if (auto* problem = std::get_if<Problem>(&*event)) {
        const MutexLock lock(mutex_);
        Tell(std::move(*problem));
        continue;
      }
      AnnotatedImage image = std::get<AnnotatedImage>(std::move(*event));
      if (!IsNews(image)) continue;
      const MutexLock lock(mutex_);
      while (queue_.size() >= 2 * static_cast<size_t>(options_.parallel) && failure_.ok())
        changed_.Wait(mutex_);
      if (!failure_.ok()) return absl::OkStatus();
      queue_.push_back(std::move(image));
      changed_.NotifyAll();
    }
  }

  size_t HashOf(const AnnotatedImage& image) const {
    viam::app::data::v1::Annotations annotations;
    FillAnnotations(image.annotations, annotations);
    std::string text = annotations.SerializeAsString();
    for (const std::string& tag : image.tags) text.append(tag).push_back('\0');
    if (options_.follow) {
      const auto info = files_->Stat(sender_.PathOf(image));
      if (info.ok()) {
        text += std::to_string(info->modified.time_since_epoch().count()) + " " +
                std::to_string(info->size) + " " + std::to_string(info->inode);
      }
    }
    return std::hash<std::string>()(text);
  }

  // Whether there is something to send. Two files of annotations may be about one picture: what the
  // first says counts, the second is told of.
  bool IsNews(const AnnotatedImage& image) {
    if (options_.follow && !IsAtRest(sender_.PathOf(image))) {
      ++being_written_;
      return false;
    }
    const size_t says = HashOf(image);
    const MutexLock lock(mutex_);
    Seen& seen = seen_[std::hash<std::string>()(image.path)];
    if (seen.says == says && seen.pass > 0) {
      seen.pass = pass_;
      return false;
    }
    if (seen.pass == pass_) {
      Tell({.kind = Problem::Kind::kAnnotationSkipped,
            .file = image.path,
            .place = "",
            .what = "another file says something else about this picture, and that was taken: put "
                    "both into one"});
      return false;
    }
    seen = {.says = says, .pass = pass_};
    return true;
  }

  void Work() {
    std::vector<SentItem> sent;
    while (true) {
      AnnotatedImage image;
      {
        const MutexLock lock(mutex_);
        while (queue_.empty() && !done_ && failure_.ok()) changed_.Wait(mutex_);
        if (queue_.empty() || !failure_.ok()) break;
        image = std::move(queue_.front());
        queue_.pop_front();
        changed_.NotifyAll();
      }
      SendOne(std::move(image), sent);
      if (sent.size() >= kSettledAtOnce) SettleAll(sent);
    }
    SettleAll(sent);
  }

  void SendOne(AnnotatedImage image, std::vector<SentItem>& sent) {
    absl::StatusOr<SentFile> file;
    const absl::Status status = Patiently([&] {
      file = sender_.Send(image);
      return file.status();
    });
    if (status.ok()) {
      sent.push_back({std::move(file->id), std::move(image)});
      progress_.Add(1, file->bytes);
      const MutexLock lock(mutex_);
      ++report_.sent;
      report_.bytes += file->bytes;
      return;
    }
    const MutexLock lock(mutex_);
    seen_.erase(std::hash<std::string>()(image.path));
    if (absl::IsInvalidArgument(status) || absl::IsNotFound(status)) {
      Tell({.kind = Problem::Kind::kImageSkipped,
            .file = image.path,
            .place = "",
            .what = MessageOf(status)});
    } else {
      Fail(Annotate(status, image.path));
    }
  }

  void SettleAll(std::vector<SentItem>& sent) {
    if (sent.empty()) return;
    annotation::Capabilities holds;
    {
      const MutexLock lock(mutex_);
      holds = holds_;
    }
    absl::StatusOr<Settled> settled;
    const absl::Status status = Patiently([&] {
      settled = settler_.Settle(sent, holds);
      return settled.status();
    });
    sent.clear();
    const MutexLock lock(mutex_);
    if (!status.ok()) return Fail(status);
    report_.added += settled->added;
    report_.changed += settled->changed;
    report_.unchanged += settled->unchanged;
    for (Problem& problem : settled->problems) Tell(std::move(problem));
  }

  // When following, a hub that is gone is waited for, longer each time.
  absl::Status Patiently(const std::function<absl::Status()>& call) {
    for (milliseconds pause = kFirstRetry;; pause = std::min(2 * pause, kLongestRetry)) {
      absl::Status status = call();
      if (!options_.follow || !MayPass(status)) return status;
      {
        const MutexLock lock(mutex_);
        if (!std::exchange(told_of_hub_, true)) {
          std::fprintf(stderr, "bowerbird: %s; waiting for it\n", MessageOf(status).c_str());
        }
      }
      // In slices: a signal does not wake this thread.
      const auto end = std::chrono::steady_clock::now() + pause;
      while (std::chrono::steady_clock::now() < end) {
        if (Interrupted()) return InterruptedStatus();
        std::this_thread::sleep_for(milliseconds(50));
      }
    }
  }

  void Fail(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (failure_.ok()) failure_ = status;
    changed_.NotifyAll();
  }

  void Tell(Problem problem) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++report_.problem_count;
    report_.skipped +=
        problem.kind == Problem::Kind::kFileSkipped || problem.kind == Problem::Kind::kImageSkipped;
    if (report_.problems.size() < kMaxListedProblems)
      report_.problems.push_back(std::move(problem));
  }

  const ImportOptions& options_;
  // To the nanosecond, so that no two runs share it (TimeUtil::GetCurrentTime() gives seconds
  // only).
  const google::protobuf::Timestamp start_ =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(
          std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
  const PictureSender sender_;
  const Settler settler_;
  Progress progress_;
  uint64_t being_written_ = 0;  // the reading thread's
  Mutex mutex_;
  CondVar changed_;
  std::deque<AnnotatedImage> queue_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<size_t, Seen> seen_ ABSL_GUARDED_BY(mutex_);  // by the path's hash
  uint32_t pass_ ABSL_GUARDED_BY(mutex_) = 0;
  annotation::Capabilities holds_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool told_of_hub_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  ImportReport report_ ABSL_GUARDED_BY(mutex_);
};

std::string DamageText(const std::vector<Problem>& damaged) {
  std::string text = annotation::TextOf(damaged.front());
  if (damaged.size() > 1) text += " (and " + std::to_string(damaged.size() - 1) + " more)";
  return text +
         ": mend or remove it, or name the format (--format image-folder takes the pictures alone)";
}

struct Source {
  const annotation::Format* format = nullptr;
  std::vector<Problem> unused;
};

absl::StatusOr<Source> FindSource(FileSystem& files, const ImportOptions& options) {
  Source source;
  const bool guess = options.format == "auto";
  if (guess) {
    ASSIGN_OR_RETURN(const auto detection, annotation::DetectFormat(files, options.directory));
    source.format = detection.format;
  } else {
    ASSIGN_OR_RETURN(source.format, annotation::FindFormat(options.format));
  }
  ASSIGN_OR_RETURN(auto unread,
                   annotation::FindUnreadFiles(files, options.directory, *source.format));
  if (guess && !unread.damaged.empty()) return InvalidArgument(DamageText(unread.damaged));
  source.unused = std::move(unread.unused);
  std::move(unread.damaged.begin(), unread.damaged.end(), std::back_inserter(source.unused));
  if (!guess) {
    // She has seen them and goes on.
    for (Problem& problem : source.unused) problem.kind = Problem::Kind::kFileNotUsed;
  }
  return source;
}

absl::Status OnePass(FileSystem& files, const ImportOptions& options, Run& run) {
  ASSIGN_OR_RETURN(const Source source, FindSource(files, options));
  ASSIGN_OR_RETURN(auto reader, annotation::OpenReader(*source.format, files,
                                                       {.directory = options.directory,
                                                        .pictures = options.pictures}));
  return run.Pass(*source.format, *reader, source.unused);
}

absl::Status Follow(FileSystem& files, const ImportOptions& options, Run& run) {
  ASSIGN_OR_RETURN(FolderWatch watch, FolderWatch::Open(options.directory));
  std::string told;
  while (!Interrupted()) {
    watch.WatchFolders();
    absl::Status status = OnePass(files, options, run);
    if (Interrupted()) break;
    // An empty folder, or annotations of which only a part is there yet, are waited for.
    const bool may_come = absl::IsNotFound(status) || absl::IsInvalidArgument(status);
    if (!status.ok() && !may_come) return status;
    if (!status.ok() && told != MessageOf(status)) {
      told = MessageOf(status);
      std::fprintf(stderr, "bowerbird: %s; waiting for that to change\n", told.c_str());
    }
    watch.Wait(run.being_written() > 0 ? milliseconds(1000) : kForEver);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ImportReport> Import(const HubClient& hub, const ImportOptions& options) {
  const auto files = MakeFileSystem();
  const bool is_folder = std::filesystem::is_directory(options.directory);
  if (options.follow && !is_folder)
    return InvalidArgument(options.directory + " is no folder: --follow watches a folder");
  if (options.format != "auto") RETURN_IF_ERROR(annotation::FindFormat(options.format).status());
  std::string part_id = options.part_id;
  if (part_id.empty()) {
    ASSIGN_OR_RETURN(part_id, OwnPart(hub));
  }
  std::string pictures = options.pictures;
  if (pictures.empty()) {
    pictures = is_folder ? options.directory : ParentDirectory(options.directory);
  }
  Run run(hub, options, pictures, part_id);
  const absl::Status status =
      options.follow ? Follow(*files, options, run) : OnePass(*files, options, run);
  ImportReport report = run.TakeReport();
  RETURN_IF_ERROR(Annotate(status, std::to_string(report.sent) + " sent, then"));
  return report;
}

}  // namespace bowerbird::app
