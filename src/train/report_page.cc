// SPDX-License-Identifier: Apache-2.0
#include "train/report_page.h"

#include <algorithm>

#include "base/status.h"
#include "image/codec.h"
#include "image/draw.h"
#include "image/picture.h"
#include "image/resize.h"
#include "train/in_parallel.h"

namespace bowerbird::train {
namespace {

constexpr int kSide = 240;  // of the square that a picture of the page fits into
constexpr int kQuality = 70;
constexpr image::Color kTruthColor{30, 160, 70};
constexpr image::Color kFoundColor{240, 130, 20};

void Draw(const evaluate::Rectangle& box, double scale, image::Color color, image::Image& picture) {
  const auto at = [scale](double value) { return static_cast<int>(value * scale); };
  image::DrawBox(picture, {at(box.x_min), at(box.y_min), at(box.x_max), at(box.y_max)}, color);
}

absl::StatusOr<std::string> Thumbnail(FileSystem& files, const std::string& path, uint32_t number,
                                      const evaluate::DetectionSet* boxes) {
  ASSIGN_OR_RETURN(const auto picture, ReadPicture(files, path));
  ASSIGN_OR_RETURN(const image::Header header, picture->header());
  const double scale = static_cast<double>(kSide) / std::max(header.size.width, header.size.height);
  const image::Size size{std::max(1, static_cast<int>(header.size.width * scale)),
                         std::max(1, static_cast<int>(header.size.height * scale))};
  ASSIGN_OR_RETURN(const auto pixels, picture->Decoded(size));
  image::Image small = image::Resize(image::ToRgb(*pixels), size, image::Filter::kTriangle);
  if (boxes != nullptr) {
    for (const evaluate::TruthBox& box : boxes->truth) {
      if (box.picture == number) Draw(box.box, scale, kTruthColor, small);
    }
    for (const evaluate::FoundBox& box : boxes->found) {
      if (box.picture == number && box.score >= kShownScore)
        Draw(box.box, scale, kFoundColor, small);
    }
  }
  return image::EncodeJpeg(small, kQuality);
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
