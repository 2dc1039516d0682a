// SPDX-License-Identifier: Apache-2.0
//
// Which filter should scale pictures for models? The mean average precision of a COCO detector on a
// hundred Pascal VOC pictures, with the antialiased triangle and with plain bilinear, decoded as
// the product does (these small ones whole) and at half their size, which is below the input's;
// differences with a 95 % interval by a bootstrap over the pictures, the same resamples for both.
// docs/vision.md quotes the result.
//
//   BOWERBIRD_TEST_DATA=... bench_resize_filter_map [resamples]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <utility>

#include "base/status.h"
#include "bench/voc_truth.h"
#include "image/codec.h"
#include "infer/tflite_model.h"
#include "nlohmann/json.hpp"
#include "vision/model_finder.h"

namespace bowerbird::bench {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSeed = 20260;

struct Variant {
  const char* name;
  image::Filter filter;
  bool half_decode;
};
constexpr Variant kVariants[] = {
    {"triangle", image::Filter::kTriangle, false},
    {"bilinear", image::Filter::kBilinear, false},
    {"triangle_half_decode", image::Filter::kTriangle, true},
    {"bilinear_half_decode", image::Filter::kBilinear, true},
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return ErrnoStatus(errno, "open " + path);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct Loaded {
  std::shared_ptr<const image::Picture> picture;
  image::Size full_size;
};

absl::StatusOr<Loaded> Load(const std::string& path, bool half_decode) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  const auto span = std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  ASSIGN_OR_RETURN(const image::Header header, image::ReadHeader(span));
  if (!half_decode) return Loaded{image::Picture::FromBytes(std::move(bytes)), header.size};
  image::DecodeOptions options;
  options.at_least = {header.size.width / 2, header.size.height / 2};
  ASSIGN_OR_RETURN(image::Image small, image::Decode(span, options));
  // A lossless format has no scaled decode, and keeps the pixels.
  ASSIGN_OR_RETURN(auto picture, image::Picture::FromImage(std::move(small), image::kMimePng));
  return Loaded{std::move(picture), header.size};
}

// Boxes found in a smaller picture, in the pixels of the whole one.
void Rescale(std::vector<vision::Detection>& detections, image::Size from, image::Size to) {
  for (vision::Detection& detection : detections) {
    detection.x_min = detection.x_min * (to.width - 1) / (from.width - 1);
    detection.x_max = detection.x_max * (to.width - 1) / (from.width - 1);
    detection.y_min = detection.y_min * (to.height - 1) / (from.height - 1);
    detection.y_max = detection.y_max * (to.height - 1) / (from.height - 1);
  }
}

struct Data {
  std::vector<std::string> pictures;
  std::vector<std::vector<TruthBox>> truth;  // under COCO's names
  std::map<std::string, std::string> labels;
};

absl::StatusOr<Data> LoadData(const std::string& root) {
  Data data;
  ASSIGN_OR_RETURN(data.labels, ReadLabelMap(BOWERBIRD_SOURCE_DIR "/bench/voc_to_coco_labels.txt"));
  const fs::path set = fs::path(root) / "datasets/multilabel-voc100-multiformat";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(set / "images", error)) {
    data.pictures.push_back(entry.path().string());
  }
  if (error) return ErrnoStatus(error.value(), "read " + (set / "images").string());
  std::sort(data.pictures.begin(), data.pictures.end());
  for (const std::string& picture : data.pictures) {
    const std::string xml =
        (set / "gts/pascalvoc_format" / fs::path(picture).stem()).string() + ".xml";
    ASSIGN_OR_RETURN(std::vector<TruthBox> boxes, ReadVocXml(xml));
    for (TruthBox& box : boxes) {
      const auto known = data.labels.find(box.label);
      if (known == data.labels.end()) {
        return InvalidArgument("no COCO name for VOC's '" + box.label + "'");
      }
      box.label = known->second;
    }
    data.truth.push_back(std::move(boxes));
  }
  return data;
}

absl::StatusOr<PrecisionRecall> Measure(const infer::Model& model, const Data& data,
                                        const Variant& variant) {
  vision::ModelFinderOptions options;
  options.filter = variant.filter;
  ASSIGN_OR_RETURN(const auto finder, vision::ModelFinder::Create({}, model, options));
  PrecisionRecall result;
  for (size_t i = 0; i < data.pictures.size(); ++i) {
    ASSIGN_OR_RETURN(const Loaded loaded, Load(data.pictures[i], variant.half_decode));
    ASSIGN_OR_RETURN(std::vector<vision::Detection> detections,
                     finder->Detect({}, *loaded.picture));
    ASSIGN_OR_RETURN(const image::Header header, loaded.picture->header());
    Rescale(detections, header.size, loaded.full_size);
    // COCO's other sixty classes are not annotated here.
    std::erase_if(detections, [&](const vision::Detection& detection) {
      return std::none_of(data.labels.begin(), data.labels.end(),
                          [&](const auto& pair) { return pair.second == detection.label; });
    });
    result.AddPicture(data.truth[i], detections);
  }
  result.Finish();
  return result;
}

double MeanOverThresholds(const PrecisionRecall& result, const std::vector<int>& weights) {
  double sum = 0;
  for (int threshold = 0; threshold < kIouThresholds; ++threshold) {
    sum += result.MeanAveragePrecision(weights, threshold);
  }
  return sum / kIouThresholds;
}

using Figure = double (*)(const PrecisionRecall&, const std::vector<int>&);

double At50(const PrecisionRecall& result, const std::vector<int>& weights) {
  return result.MeanAveragePrecision(weights, 0);
}

// b - a with its 95 % interval.
nlohmann::json Difference(const PrecisionRecall& a, const PrecisionRecall& b, size_t pictures,
                          int resamples, Figure figure) {
  std::mt19937 random(kSeed);
  std::vector<double> differences;
  for (int round = 0; round < resamples; ++round) {
    std::vector<int> weights(pictures);
    // Not std::uniform_int_distribution: its sequence differs between libraries.
    for (size_t i = 0; i < pictures; ++i) ++weights[random() % pictures];
    differences.push_back(figure(b, weights) - figure(a, weights));
  }
  std::sort(differences.begin(), differences.end());
  const auto at = [&](double share) {
    return differences[static_cast<size_t>(share * static_cast<double>(resamples - 1))];
  };
  const std::vector<int> once(pictures, 1);
  return {
      {"difference", figure(b, once) - figure(a, once)}, {"low", at(0.025)}, {"high", at(0.975)}};
}

absl::Status RunAll(const std::string& root, int resamples) {
  ASSIGN_OR_RETURN(const Data data, LoadData(root));
  infer::TfliteOptions model_options;
  model_options.model_path =
      root + "/models/detect/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite";
  model_options.instances = 1;
  ASSIGN_OR_RETURN(const auto model, infer::TfliteModel::Load(model_options));
  std::vector<PrecisionRecall> results;
  const std::vector<int> once(data.pictures.size(), 1);
  for (const Variant& variant : kVariants) {
    ASSIGN_OR_RETURN(PrecisionRecall result, Measure(*model, data, variant));
    const nlohmann::json line = {{"bench", "resize_filter_map"},
                                 {"variant", variant.name},
                                 {"pictures", data.pictures.size()},
                                 {"voc_ap50", At50(result, once)},
                                 {"voc_ap50_95", MeanOverThresholds(result, once)}};
    std::printf("%s\n", line.dump().c_str());
    results.push_back(std::move(result));
  }
  const std::pair<size_t, size_t> pairs[] = {{0, 1}, {2, 3}, {0, 2}, {1, 3}};
  for (const auto& [a, b] : pairs) {
    const nlohmann::json line = {
        {"bench", "resize_filter_map"},
        {"from", kVariants[a].name},
        {"to", kVariants[b].name},
        {"resamples", resamples},
        {"voc_ap50", Difference(results[a], results[b], once.size(), resamples, &At50)},
        {"voc_ap50_95",
         Difference(results[a], results[b], once.size(), resamples, &MeanOverThresholds)}};
    std::printf("%s\n", line.dump().c_str());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  if (root == nullptr) {
    std::fprintf(stderr, "resize_filter_map: set BOWERBIRD_TEST_DATA to the folder of test data\n");
    return 2;
  }
  const int resamples = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 2000;
  const absl::Status status = bowerbird::bench::RunAll(root, resamples);
  if (status.ok()) return 0;
  std::fprintf(stderr, "resize_filter_map: %s\n", status.ToString().c_str());
  return 1;
}
