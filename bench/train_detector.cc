// SPDX-License-Identifier: Apache-2.0
//
// Trains a detector from a dataset folder and scores the exported file in the runtime, as machines
// run it: one line of JSON. usage: bench_train_detector BASE DATASET SEED SECONDS [--name value]...
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "annotation/format.h"
#include "annotation/split.h"
#include "base/file_system.h"
#include "evaluate/voc_ap.h"
#include "image/picture.h"
#include "image/resize.h"
#include "infer/tflite_model.h"
#include "nlohmann/json.hpp"
#include "train/detect.h"
#include "train/detector_file.h"
#include "train/network_library.h"
#include "vision/model_finder.h"

namespace {

using namespace bowerbird;  // NOLINT(google-build-using-namespace)

double ProcessSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <typename T>
T Need(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", std::string(value.status().ToString()).c_str());
  std::exit(1);
}

struct Picture {
  std::string path;
  std::shared_ptr<const image::Picture> bytes;
  std::vector<train::LabeledBox> boxes;
  annotation::Split split = annotation::Split::kTraining;
};

struct Dataset {
  std::vector<std::string> labels;
  std::vector<Picture> pictures;
};

Dataset Read(const std::string& folder, uint64_t seed) {
  Dataset dataset;
  auto files = MakeFileSystem();
  const auto reader = Need(
      annotation::OpenReader(*Need(annotation::FindFormat("voc")), *files, {.directory = folder}));
  std::map<std::string, std::vector<annotation::Box>> boxes;
  std::map<std::string, int> numbers;
  while (const auto event = Need(reader->Next())) {
    const auto* picture = std::get_if<annotation::AnnotatedImage>(&*event);
    if (picture == nullptr) continue;
    for (const annotation::Box& box : picture->annotations.boxes) numbers[box.label] = 0;
    boxes[picture->path] = picture->annotations.boxes;
  }
  for (auto& [label, number] : numbers) {
    number = static_cast<int>(dataset.labels.size());
    dataset.labels.push_back(label);
  }
  std::vector<annotation::SplitItem> items;
  for (const auto& [path, drawn] : boxes) {
    Picture& picture = dataset.pictures.emplace_back();
    picture.path = path;
    std::ifstream stream(folder + "/" + path, std::ios::binary);
    picture.bytes =
        image::Picture::FromBytes(std::string{std::istreambuf_iterator<char>(stream), {}});
    for (const annotation::Box& box : drawn)
      picture.boxes.push_back({numbers[box.label], box.x_min, box.y_min, box.x_max, box.y_max});
    items.push_back({.key = path});
  }
  const auto splits = Need(annotation::AssignSplits(items, {.seed = seed}));
  for (size_t i = 0; i < splits.size(); ++i) dataset.pictures[i].split = splits[i];
  return dataset;
}

std::vector<train::DetectionSample> Samples(const Dataset& dataset, image::Size size) {
  std::vector<train::DetectionSample> samples;
  for (const Picture& picture : dataset.pictures) {
    if (picture.split != annotation::Split::kTraining) continue;
    const auto pixels = Need(picture.bytes->Decoded(size));
    samples.push_back(
        {image::Resize(image::ToRgb(*pixels), size, image::Filter::kTriangle), picture.boxes});
  }
  return samples;
}

evaluate::VocResult Score(const Dataset& dataset, const std::string& path) {
  const auto model = Need(infer::TfliteModel::Load({.model_path = path, .instances = 1}));
  const auto finder = Need(vision::ModelFinder::Create({}, *model, {}));
  evaluate::DetectionSet set;
  set.categories = dataset.labels;
  for (const Picture& picture : dataset.pictures) {
    if (picture.split != annotation::Split::kValidation) continue;
    const uint32_t number = set.pictures++;
    const image::Size size = Need(picture.bytes->header()).size;
    for (const train::LabeledBox& box : picture.boxes) {
      const evaluate::Rectangle truth{box.x_min * size.width, box.y_min * size.height,
                                      box.x_max * size.width, box.y_max * size.height};
      set.truth.push_back({.picture = number,
                           .category = static_cast<uint32_t>(box.label),
                           .box = truth,
                           .area = truth.Area()});
    }
    for (const vision::Detection& found : Need(finder->Detect({}, *picture.bytes))) {
      set.found.push_back(
          {.picture = number,
           .category = static_cast<uint32_t>(found.class_id),
           .box = {static_cast<double>(found.x_min), static_cast<double>(found.y_min),
                   static_cast<double>(found.x_max), static_cast<double>(found.y_max)},
           .score = found.confidence});
    }
  }
  return evaluate::VocAveragePrecision(set, {});
}

double Setting(int count, char** values, const std::string& name, double otherwise) {
  for (int i = 5; i + 1 < count; i += 2) {
    if (name == values[i]) return std::atof(values[i + 1]);
  }
  return otherwise;
}

}  // namespace

int main(int count, char** values) {
  if (count < 5) {
    std::fprintf(stderr, "usage: bench_train_detector BASE DATASET SEED SECONDS [--name value]\n");
    return 2;
  }
  const auto setting = [&](const std::string& name, double otherwise) {
    return Setting(count, values, name, otherwise);
  };
  const auto seed = static_cast<uint64_t>(std::atoi(values[3]));
  const Dataset dataset = Read(values[2], seed);
  train::FloatGraph base = Need(train::ReadFloatGraph(values[1]));
  if (const int size = static_cast<int>(setting("--size", 0)); size > 0) {
    const absl::Status resized = train::SetInputSize(base.graph, {size, size});
    if (!resized.ok()) Need(absl::StatusOr<int>(resized));
  }
  const auto samples = Samples(dataset, base.input_size());
  const double read_seconds = ProcessSeconds();
  train::DetectorOptions options;
  options.labels = static_cast<int>(dataset.labels.size());
  options.seed = seed;
  options.batch = static_cast<int>(setting("--batch", options.batch));
  options.first_trained_operator =
      static_cast<int>(setting("--first", options.first_trained_operator));
  options.trained_stride = static_cast<int>(setting("--stride", options.trained_stride));
  options.average_decay = setting("--average", options.average_decay);
  if (options.average_decay > 0) options.loop.weights = train::WeightSet::kAveraged;
  options.loop.learning_rate = setting("--rate", options.loop.learning_rate);
  options.loop.warm_up = static_cast<int>(setting("--warm-up", options.loop.warm_up));
  options.loop.steps = static_cast<int>(setting("--steps", 0));
  options.loop.budget_seconds = std::atof(values[4]) - ProcessSeconds() - setting("--rest", 3);
  options.augment.least_view = setting("--least-view", options.augment.least_view);
  options.augment.most_view = setting("--most-view", options.augment.most_view);
  options.loop.progress = [](const train::TrainingProgress& progress) {
    if (progress.step % 20 == 0)
      std::fprintf(stderr, "%d/%d loss %.3f rate %.2g %.0f ms\n", progress.step, progress.steps,
                   progress.loss, progress.learning_rate, progress.milliseconds_per_step);
  };
  train::NetworkEngine& engine = *Need(train::LoadNetworkEngine());
  const train::TrainedDetector trained = Need(train::TrainDetector(engine, base, samples, options));
  const std::string path = std::filesystem::temp_directory_path() /
                           ("bench_train_detector_" + std::to_string(::getpid()) + ".tflite");
  const std::string bytes =
      Need(train::WriteDetectorFile(trained.detector, {.labels = dataset.labels}));
  std::ofstream(path, std::ios::binary) << bytes;
  const double trained_seconds = ProcessSeconds();
  const evaluate::VocResult score = Score(dataset, path);
  nlohmann::json result{{"dataset", std::filesystem::path(values[2]).filename().string()},
                        {"seed", seed},
                        {"map50", score.every_point.value_or(-1)},
                        {"cpu_seconds", trained_seconds},
                        {"cpu_seconds_reading", read_seconds},
                        {"steps", trained.loop.steps_taken},
                        {"ms_per_step", trained.loop.milliseconds_per_step},
                        {"old_columns", trained.old_columns},
                        {"bytes", bytes.size()},
                        {"sha", std::hash<std::string>{}(bytes)}};
  for (size_t i = 0; i < dataset.labels.size(); ++i)
    result["per_class"][dataset.labels[i]] = score.per_category[i].every_point.value_or(-1);
  std::printf("%s\n", result.dump().c_str());
  if (std::getenv("KEEP_MODEL") == nullptr) std::filesystem::remove(path);
  return 0;
}
