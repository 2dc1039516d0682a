// SPDX-License-Identifier: Apache-2.0
//
// The fine-tuning of a classifier as data for another framework: the network with its weights, the
// batches, the rates, what our engine made of them and how long it took. One line of JSON.
// usage: bench_train_steps BASE DATASET SEED SIDE STEPS FOLDER
//   FOLDER/network.json   operators in their order, tensors, where their numbers are; steps
//   FOLDER/numbers.bin    float32: constants, then the pictures to learn from and to judge by
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>

#include "base/file_system.h"
#include "nlohmann/json.hpp"
#include "tflite/edit.h"
#include "train/fine_tune.h"
#include "train/network_library.h"
#include "train/processor_time.h"
#include "train/sample_pictures.h"
#include "train/taps.h"

namespace {

using namespace bowerbird;         // NOLINT(google-build-using-namespace)
using namespace bowerbird::train;  // NOLINT(google-build-using-namespace)
using Json = nlohmann::json;

constexpr int kBatch = 16;
constexpr int kWarmUp = 20;
constexpr double kRate = 5e-4;
constexpr double kSmoothing = 0.1;

template <typename T>
T Need(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", std::string(value.status().ToString()).c_str());
  std::exit(1);
}

void Need(const absl::Status& status) {
  if (!status.ok()) Need(absl::StatusOr<int>(status));
}

// Numbers of several tensors, one behind the other.
class Numbers {
 public:
  explicit Numbers(const std::string& path) : stream_(path, std::ios::binary) {}

  // Where they begin, in numbers.
  size_t Add(const void* first, size_t count) {
    stream_.write(static_cast<const char*>(first),
                  static_cast<std::streamsize>(count * sizeof(float)));
    return std::exchange(size_, size_ + count);
  }

 private:
  std::ofstream stream_;
  size_t size_ = 0;
};

Json Describe(const tflite::Graph& graph, Numbers& numbers) {
  const tflite::Subgraph& main = graph.subgraphs[0];
  Json described{{"input", main.inputs[0]}, {"output", main.outputs[0]}};
  for (const tflite::Tensor& tensor : main.tensors) {
    Json one{{"shape", tensor.shape}};
    const auto bytes = graph.buffers[tensor.buffer].data;
    if (tensor.type == tflite::TensorType::kFloat32 && !bytes.empty())
      one["at"] = numbers.Add(bytes.data(), bytes.size() / sizeof(float));
    described["tensors"].push_back(std::move(one));
  }
  for (const tflite::Operator& op : main.operators) {
    Json one{{"name", graph.operator_codes[op.code].Name()},
             {"inputs", op.inputs},
             {"output", op.outputs[0]},
             {"same", op.options.Int("padding") == 0},
             {"stride", {op.options.Int("stride_h", 1), op.options.Int("stride_w", 1)}},
             {"activation", op.options.Int("fused_activation_function")}};
    described["operators"].push_back(std::move(one));
  }
  return described;
}

struct Sides {
  SamplePictures pictures;
  std::vector<int> truth;
};

Sides Read(const TrainJob& job, const TrainingSet& set, bool validation, int side) {
  std::vector<TrainingPicture> wanted;
  for (const TrainingPicture& picture : set.pictures) {
    if (picture.is_validation == validation) wanted.push_back(picture);
  }
  std::vector<annotation::Problem> problems;
  Sides sides{
      Need(ReadSamplePictures(*MakeFileSystem(), job, set.root, wanted, {side, side}, problems)),
      {}};
  for (const size_t from : sides.pictures.from)
    sides.truth.push_back(static_cast<int>(wanted[from].truth.front()));
  return sides;
}

double Accuracy(Network& network, const ClassifierGraph& classifier, const Sides& sides,
                Numbers& numbers, Json& told) {
  const image::Size size = classifier.base.input_size();
  std::vector<float> input(static_cast<size_t>(size.width * size.height) * 3);
  size_t right = 0;
  for (size_t i = 0; i < sides.truth.size(); ++i) {
    FillInput(sides.pictures.pictures[i], {}, size, classifier.base.scaling, input);
    told["judged"].push_back(
        {{"at", numbers.Add(input.data(), input.size())}, {"label", sides.truth[i]}});
    const auto logits = Need(network.Run(input, 1))[0].values;
    const auto best = std::ranges::max_element(logits) - logits.begin();
    right += best == sides.truth[i] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(sides.truth.size());
}

// As RunTrainingLoop does it.
double RateOf(int step, int steps) {
  if (step < kWarmUp) return kRate * (step + 1) / kWarmUp;
  const double done = static_cast<double>(step - kWarmUp) / std::max(1, steps - kWarmUp);
  return kRate * (0.01 + 0.99 * (1 + std::cos(std::numbers::pi * done)) / 2);
}

ClassifierGraph Start(const std::string& path, int side, int labels) {
  FloatGraph base = Need(ReadFloatGraph(path));
  const std::vector<int32_t> taps = Need(FindTaps(base.graph));
  Need(SetInputSize(base.graph, {side, side}));
  return Need(AddClassifier(std::move(base), taps, {.labels = labels, .seed = 1}));
}

}  // namespace

int main(int count, char** values) {
  if (count != 7) {
    std::fprintf(stderr, "usage: bench_train_steps BASE DATASET SEED SIDE STEPS FOLDER\n");
    return 2;
  }
  const int side = std::atoi(values[4]);
  const int steps = std::atoi(values[5]);
  const std::string folder = values[6];
  TrainJob job;
  job.data.directory = values[2];
  job.data.seed = static_cast<uint64_t>(std::atoi(values[3]));
  const auto files = MakeFileSystem();
  const TrainingSet set = Need(ReadTrainingSet(*files, job.data));
  const Sides training = Read(job, set, false, side);
  const ClassifierGraph classifier = Start(values[1], side, static_cast<int>(set.labels.size()));
  Numbers numbers(folder + "/numbers.bin");
  Json told = Describe(classifier.base.graph, numbers);
  NetworkEngine& engine = *Need(LoadNetworkEngine());
  const auto network = Need(engine.Create(classifier.base.graph, {}));

  Random random(job.data.seed);
  const size_t labels = set.labels.size();
  const size_t elements = static_cast<size_t>(side) * static_cast<size_t>(side) * 3;
  std::vector<float> input(kBatch * elements);
  double seconds = 0;
  for (int step = 0; step < steps; ++step) {
    std::vector<float> targets(kBatch * labels,
                               static_cast<float>(kSmoothing / static_cast<double>(labels)));
    for (size_t i = 0; i < kBatch; ++i) {
      const size_t one = random.Below(training.truth.size());
      FillInput(training.pictures.pictures[one], RandomView(kClassAugment, random), {side, side},
                classifier.base.scaling, std::span(input).subspan(i * elements, elements));
      targets[i * labels + static_cast<size_t>(training.truth[one])] +=
          static_cast<float>(1 - kSmoothing);
    }
    const double before = ProcessorSeconds();
    const StepResult taken = Need(network->Step(
        {.size = kBatch, .input = input, .class_targets = targets}, RateOf(step, steps)));
    if (step >= 2) seconds += ProcessorSeconds() - before;
    told["steps"].push_back({{"at", numbers.Add(input.data(), input.size())},
                             {"targets", targets},
                             {"rate", RateOf(step, steps)},
                             {"loss", taken.loss}});
  }
  told["accuracy"] = Accuracy(*network, classifier, Read(job, set, true, side), numbers, told);
  told["milliseconds_per_step"] = seconds * 1e3 / (steps - 2);
  told["batch"] = kBatch;
  told["labels"] = labels;
  std::ofstream(folder + "/network.json") << told.dump();
  std::printf("%s\n", Json{{"accuracy", told["accuracy"]},
                           {"milliseconds_per_step", told["milliseconds_per_step"]},
                           {"engine", engine.Name()}}
                          .dump()
                          .c_str());
  return 0;
}
