// SPDX-License-Identifier: Apache-2.0
#include "app/data_import.h"

#include <pthread.h>

#include <deque>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "annotation/format.h"
#include "app/datasync/v1/data_sync.pb.h"
#include "app/progress.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

namespace sync = viam::app::datasync::v1;
using annotation::AnnotatedImage;
using annotation::Problem;

constexpr uint64_t kLargestUnary = 1'000'000;
constexpr size_t kPiece = 64 * 1024;
constexpr size_t kMaxListedProblems = 10'000;

void FillAnnotations(const annotation::Annotations& annotations,
                     viam::app::data::v1::Annotations& out) {
  for (const annotation::Box& box : annotations.boxes) {
    auto& added = *out.add_bboxes();
    added.set_id(box.id);
    added.set_label(box.label);
    added.set_x_min_normalized(box.x_min);
    added.set_y_min_normalized(box.y_min);
    added.set_x_max_normalized(box.x_max);
    added.set_y_max_normalized(box.y_max);
    if (box.confidence) added.set_confidence(*box.confidence);
  }
  for (const annotation::Classification& one : annotations.classifications) {
    auto& added = *out.add_classifications();
    added.set_id(one.id);
    added.set_label(one.label);
    if (one.confidence) added.set_confidence(*one.confidence);
  }
}

// The reader fills a bounded queue, workers ("import-N") send.
class Run {
 public:
  Run(const HubClient& hub, const ImportOptions& options, std::string pictures, std::string part_id)
      : hub_(hub),
        options_(options),
        pictures_(std::move(pictures)),
        part_id_(std::move(part_id)),
        progress_("imported", 0) {}

  absl::Status Go(annotation::Reader& reader) {
    std::vector<std::thread> workers;
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

  ImportReport TakeReport() {
    const MutexLock lock(mutex_);
    return std::move(report_);
  }

 private:
  absl::Status ReadAll(annotation::Reader& reader) {
    while (true) {
      if (Interrupted())
        return absl::CancelledError("interrupted: the same command again sends the rest");
      ASSIGN_OR_RETURN(std::optional<annotation::Event> event, reader.Next());
      if (!event.has_value()) return absl::OkStatus();
      const MutexLock lock(mutex_);
      if (auto* problem = std::get_if<Problem>(&*event)) {
        Tell(std::move(*problem));
        continue;
      }
      while (queue_.size() >= 2 * static_cast<size_t>(options_.parallel) && failure_.ok())
        changed_.Wait(mutex_);
      if (!failure_.ok()) return absl::OkStatus();
      queue_.push_back(std::get<AnnotatedImage>(std::move(*event)));
      changed_.NotifyAll();
    }
  }

  void Work() {
    while (true) {
      AnnotatedImage image;
      {
        const MutexLock lock(mutex_);
        while (queue_.empty() && !done_) changed_.Wait(mutex_);
        if (queue_.empty() || !failure_.ok()) return;
        image = std::move(queue_.front());
        queue_.pop_front();
        changed_.NotifyAll();
      }
      const auto sent = Send(image);
      const MutexLock lock(mutex_);
      if (sent.ok()) {
        ++report_.sent;
        report_.bytes += *sent;
        progress_.Add(1, *sent);
      } else if (absl::IsInvalidArgument(sent.status()) || absl::IsNotFound(sent.status())) {
        Tell({.kind = Problem::Kind::kImageSkipped,
              .file = image.path,
              .place = "",
              .what = MessageOf(sent.status())});
      } else if (failure_.ok()) {
        failure_ = Annotate(sent.status(), image.path);
        changed_.NotifyAll();
      }
    }
  }

  void Tell(Problem problem) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++report_.problem_count;
    report_.skipped +=
        problem.kind == Problem::Kind::kFileSkipped || problem.kind == Problem::Kind::kImageSkipped;
    if (report_.problems.size() < kMaxListedProblems)
      report_.problems.push_back(std::move(problem));
  }

  // How many bytes.
  absl::StatusOr<uint64_t> Send(const AnnotatedImage& image) {
    const std::string path = pictures_ + "/" + image.path;
    ASSIGN_OR_RETURN(const auto file, files_->OpenForReading(path));
    ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    ASSIGN_OR_RETURN(const FileInfo info, files_->Stat(path));
    sync::UploadMetadata upload;
    upload.set_part_id(part_id_);
    upload.set_type(sync::DATA_TYPE_BINARY_SENSOR);
    upload.set_file_name(image.path);
    upload.set_file_extension(std::filesystem::path(image.path).extension().string());
    for (const auto* tags : {&options_.tags, &image.tags}) {
      for (const std::string& tag : *tags) upload.add_tags(tag);
    }
    for (const std::string& id : options_.dataset_ids) upload.add_dataset_ids(id);
    sync::SensorMetadata sensor;
    const auto nanoseconds = info.modified.time_since_epoch().count();
    sensor.mutable_time_requested()->set_seconds(nanoseconds / 1'000'000'000);
    sensor.mutable_time_requested()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
    *sensor.mutable_time_received() = sensor.time_requested();
    FillAnnotations(image.annotations, *sensor.mutable_annotations());
    if (size <= kLargestUnary) {
      RETURN_IF_ERROR(SendWhole(*file, size, upload, sensor));
    } else {
      RETURN_IF_ERROR(SendInPieces(*file, upload, sensor));
    }
    return size;
  }

  absl::Status SendWhole(const ReadableFile& file, uint64_t size,
                         const sync::UploadMetadata& upload, const sync::SensorMetadata& sensor) {
    sync::DataCaptureUploadRequest request;
    *request.mutable_metadata() = upload;
    auto& data = *request.add_sensor_contents();
    *data.mutable_metadata() = sensor;
    data.mutable_binary()->resize(size);
    ASSIGN_OR_RETURN(const size_t bytes, file.ReadAt(0, *data.mutable_binary()));
    data.mutable_binary()->resize(bytes);
    sync::DataCaptureUploadResponse response;
    return hub_.Call("/viam.app.datasync.v1.DataSyncService/DataCaptureUpload", request, response);
  }

  absl::Status SendInPieces(const ReadableFile& file, const sync::UploadMetadata& upload,
                            const sync::SensorMetadata& sensor) {
    uint64_t offset = 0;
    bool first = true;
    const auto next =
        [&](sync::StreamingDataCaptureUploadRequest& request) -> absl::StatusOr<bool> {
      if (first) {
        first = false;
        *request.mutable_metadata()->mutable_upload_metadata() = upload;
        *request.mutable_metadata()->mutable_sensor_metadata() = sensor;
        return true;
      }
      request.mutable_data()->resize(kPiece);
      ASSIGN_OR_RETURN(const size_t bytes, file.ReadAt(offset, *request.mutable_data()));
      request.mutable_data()->resize(bytes);
      offset += bytes;
      return bytes > 0;
    };
    sync::StreamingDataCaptureUploadResponse response;
    return hub_.Write<sync::StreamingDataCaptureUploadRequest>(
        "/viam.app.datasync.v1.DataSyncService/StreamingDataCaptureUpload", next, response);
  }

  const HubClient& hub_;
  const ImportOptions& options_;
  const std::string pictures_, part_id_;
  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
  Progress progress_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<AnnotatedImage> queue_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  ImportReport report_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<ImportReport> Import(const HubClient& hub, const ImportOptions& options) {
  const auto files = MakeFileSystem();
  const annotation::Format* format = nullptr;
  if (options.format == "auto") {
    ASSIGN_OR_RETURN(const auto detection, annotation::DetectFormat(*files, options.directory));
    format = detection.format;
  } else {
    ASSIGN_OR_RETURN(format, annotation::FindFormat(options.format));
  }
  ASSIGN_OR_RETURN(auto reader, annotation::OpenReader(*format, *files,
                                                       {.directory = options.directory,
                                                        .pictures = options.pictures}));
  std::string part_id = options.part_id;
  if (part_id.empty()) {
    ASSIGN_OR_RETURN(part_id, OwnPart(hub));
  }
  std::string pictures = options.pictures;
  if (pictures.empty()) {
    pictures = std::filesystem::is_directory(options.directory)
                   ? options.directory
                   : ParentDirectory(options.directory);
  }
  Run run(hub, options, pictures, part_id);
  const absl::Status status = run.Go(*reader);
  ImportReport report = run.TakeReport();
  RETURN_IF_ERROR(Annotate(status, std::to_string(report.sent) + " sent, then"));
  report.format = std::string(format->name);
  return report;
}

}  // namespace bowerbird::app
