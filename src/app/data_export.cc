// SPDX-License-Identifier: Apache-2.0
#include "app/data_export.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "annotation/format.h"
#include "app/item_filter.h"
#include "app/progress.h"
#include "base/file_system.h"
#include "base/status.h"
#include "bowerbird/v1/download.pb.h"
#include "image/codec.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

namespace data = viam::app::data::v1;
using annotation::AnnotatedImage;
using annotation::Problem;

constexpr uint64_t kLargestPicture = uint64_t{256} << 20;

struct Known {
  std::string path;
  int width = 0, height = 0;
};

// "loc/ab12" of "org/loc/ab12" would be a folder: the last part alone is unique.
std::string LastOf(const std::string& id) { return id.substr(id.rfind('/') + 1); }

// What the picture is called in the export: as it was, with its id where that is no safe name.
std::string NameOf(const data::BinaryMetadata& item) {
  const std::string id = LastOf(item.binary_data_id());
  const std::filesystem::path given(item.file_name());
  const bool safe = !item.file_name().empty() && given.is_relative() &&
                    std::none_of(given.begin(), given.end(),
                                 [](const auto& part) { return part == ".." || part == "."; });
  if (safe && given.has_extension()) return given.generic_string();
  return (safe ? given.generic_string() : id) + item.file_ext();
}

AnnotatedImage ImageOf(const data::BinaryMetadata& item) {
  AnnotatedImage image{.path = NameOf(item)};
  for (const data::BoundingBox& box : item.annotations().bboxes()) {
    annotation::Box& out = image.annotations.boxes.emplace_back();
    out.id = box.id();
    out.label = box.label();
    out.x_min = box.x_min_normalized();
    out.y_min = box.y_min_normalized();
    out.x_max = box.x_max_normalized();
    out.y_max = box.y_max_normalized();
    if (box.has_confidence()) out.confidence = box.confidence();
  }
  for (const data::Classification& one : item.annotations().classifications()) {
    annotation::Classification& out = image.annotations.classifications.emplace_back();
    out.id = one.id();
    out.label = one.label();
    if (one.has_confidence()) out.confidence = one.confidence();
  }
  image.tags.assign(item.capture_metadata().tags().begin(), item.capture_metadata().tags().end());
  return image;
}

class Run {
 public:
  Run(const HubClient& hub, const ExportOptions& options, FileSystem& files,
      annotation::Writer& writer, uint64_t total)
      : hub_(hub),
        options_(options),
        files_(files),
        writer_(writer),
        progress_("exported", total) {}

  absl::Status Open() {
    const std::string path = options_.directory + "/.bowerbird-export";
    const auto text = ReadFile(files_, path, uint64_t{1} << 30);
    if (text.ok()) {
      for (size_t at = 0; at < text->size();) {
        const size_t end = std::min(text->find('\n', at), text->size());
        const auto line =
            nlohmann::json::parse(text->begin() + static_cast<std::ptrdiff_t>(at),
                                  text->begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
        // The last line may be torn.
        if (line.is_array() && line.size() == 4 && line[0].is_string() && line[1].is_string() &&
            line[2].is_number_integer() && line[3].is_number_integer()) {
          known_[line[0].get<std::string>()] = {line[1].get<std::string>(), line[2].get<int>(),
                                                line[3].get<int>()};
        }
        at = end + 1;
      }
    }
    ASSIGN_OR_RETURN(journal_, files_.OpenForWriting(path, WriteMode::kAppend));
    // Ends a torn line, so that the next one is whole.
    return journal_->Append("\n");
  }

  absl::Status Take(const data::BinaryMetadata& item) {
    AnnotatedImage image = ImageOf(item);
    const auto known = known_.find(item.binary_data_id());
    if (known != known_.end()) {
      image.width = known->second.width;
      image.height = known->second.height;
      const auto info = files_.Stat(options_.directory + "/" + known->second.path);
      if (info.ok() && info->size == item.file_size_bytes()) {
        ASSIGN_OR_RETURN(const std::string path, Add(item, image));
        if (path.empty() || path == known->second.path) {
          report_.kept += path.empty() ? 0 : 1;
          progress_.Add(1, 0);
          return absl::OkStatus();
        }
        return files_.Rename(options_.directory + "/" + known->second.path,
                             options_.directory + "/" + path);
      }
    }
    return Fetch(item, std::move(image));
  }

  ExportReport& report() { return report_; }

 private:
  // Where the picture belongs; "" where it cannot be in this format, which is told.
  absl::StatusOr<std::string> Add(const data::BinaryMetadata& item, const AnnotatedImage& image) {
    auto path = writer_.Add(image);
    for (Problem& problem : writer_.TakeProblems()) report_.problems.push_back(std::move(problem));
    if (absl::IsInvalidArgument(path.status())) {
      Skip(item, MessageOf(path.status()));
      return std::string();
    }
    return path;
  }

  void Skip(const data::BinaryMetadata& item, std::string why) {
    ++report_.skipped;
    report_.problems.push_back({.kind = Problem::Kind::kImageSkipped,
                                .file = item.binary_data_id(),
                                .place = "",
                                .what = std::move(why)});
  }

  absl::Status Fetch(const data::BinaryMetadata& item, AnnotatedImage image) {
    if (item.file_size_bytes() > kLargestPicture) {
      Skip(item, "the file has more than 256 MiB: get it by its link instead");
      return absl::OkStatus();
    }
    bowerbird::v1::ReadFileRequest request;
    request.set_binary_data_id(item.binary_data_id());
    std::string content;
    const absl::Status read = hub_.Read<bowerbird::v1::ReadFileResponse>(
        "/bowerbird.v1.DownloadService/ReadFile", request,
        [&content](const bowerbird::v1::ReadFileResponse& piece) {
          content += piece.data();
          return absl::OkStatus();
        });
    if (absl::IsNotFound(read) || absl::IsDataLoss(read)) {
      Skip(item, MessageOf(read));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(read);
    const auto header =
        image::ReadHeader({reinterpret_cast<const uint8_t*>(content.data()), content.size()});
    if (header.ok()) {
      image.width = header->size.width;
      image.height = header->size.height;
    }
    ASSIGN_OR_RETURN(const std::string path, Add(item, image));
    if (path.empty()) return absl::OkStatus();
    const std::string full = options_.directory + "/" + path;
    RETURN_IF_ERROR(files_.MakeDirectories(ParentDirectory(full)));
    RETURN_IF_ERROR(WriteFileDurably(files_, full, content, 0644));
    RETURN_IF_ERROR(journal_->Append(
        nlohmann::json::array({item.binary_data_id(), path, image.width, image.height}).dump() +
        "\n"));
    ++report_.fetched;
    report_.bytes += content.size();
    progress_.Add(1, content.size());
    return absl::OkStatus();
  }

  const HubClient& hub_;
  const ExportOptions& options_;
  FileSystem& files_;
  annotation::Writer& writer_;
  Progress progress_;
  std::map<std::string, Known> known_;
  std::unique_ptr<WritableFile> journal_;
  ExportReport report_;
};

}  // namespace

absl::StatusOr<ExportReport> Export(const HubClient& hub, const ExportOptions& options) {
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(const annotation::Format* format, annotation::FindFormat(options.format));
  ASSIGN_OR_RETURN(const uint64_t total, CountItems(hub, options.filter));
  RETURN_IF_ERROR(files->MakeDirectories(options.directory, 0755));
  ASSIGN_OR_RETURN(const auto writer,
                   annotation::CreateWriter(*format, *files, {.directory = options.directory}));
  Run run(hub, options, *files, *writer, total);
  RETURN_IF_ERROR(run.Open());
  const auto take = [&run](const data::BinaryMetadata& item) { return run.Take(item); };
  RETURN_IF_ERROR(ForEachItem(hub, options.filter, take));
  RETURN_IF_ERROR(writer->Finish());
  for (Problem& problem : writer->TakeProblems())
    run.report().problems.push_back(std::move(problem));
  return std::move(run.report());
}

}  // namespace bowerbird::app
