// SPDX-License-Identifier: Apache-2.0
#include "train/report_page.h"

#include <vector>

#include "base/status.h"
#include "image/thumbnail.h"
#include "train/in_parallel.h"

namespace bowerbird::train {
namespace {

constexpr int kSide = 240;  // of the square that a picture of the page fits into
constexpr image::Color kTruthColor{30, 160, 70};
constexpr image::Color kFoundColor{240, 130, 20};

absl::StatusOr<std::string> Thumbnail(FileSystem& files, const std::string& path, uint32_t number,
                                      const evaluate::DetectionSet* set) {
  ASSIGN_OR_RETURN(const auto picture, ReadPicture(files, path));
  std::vector<image::MarkedBox> boxes;
  const auto mark = [&](const evaluate::Rectangle& box, image::Color color) {
    boxes.push_back({box.x_min, box.y_min, box.x_max, box.y_max, color});
  };
  if (set != nullptr) {
    for (const evaluate::TruthBox& box : set->truth) {
      if (box.picture == number) mark(box.box, kTruthColor);
    }
    for (const evaluate::FoundBox& box : set->found) {
      if (box.picture == number && box.score >= kShownScore) mark(box.box, kFoundColor);
    }
  }
  return image::MarkedThumbnail(*picture, kSide, boxes);
}

}  // namespace

void MakePage(FileSystem& files, const TrainJob& job, const PageInput& input,
              TrainedModel& trained) {
  evaluate::HtmlDetails details;
  details.title = (job.name.empty() ? std::string("Training") : job.name) + " (" +
                  std::string(TaskName(job.data.task)) + ")";
  details.curves = input.curves;
  details.loss = input.loss;
  trained.report["mistakes"] = nlohmann::ordered_json::array();
  for (const evaluate::Mistake& mistake : input.mistakes) {
    const std::string& path = input.paths[mistake.picture];
    trained.report["mistakes"].push_back({{"picture", path}, {"what", mistake.what}});
    auto jpeg = Thumbnail(files, input.root + "/" + path, mistake.picture, input.boxes);
    if (jpeg.ok()) details.mistakes.push_back({mistake.what + " – " + path, *std::move(jpeg)});
  }
  trained.page = evaluate::HtmlReport(trained.report, details);
}

}  // namespace bowerbird::train
