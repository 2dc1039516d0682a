// SPDX-License-Identifier: Apache-2.0
#include "train/int8_job.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"
#include "infer/prepare_float.h"
#include "tflite/attached_files.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/write.h"
#include "train/model_ends.h"
#include "train/picture_model.h"
#include "train/quantise.h"

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;
using tflite::TensorType;

// More of them change the ranges of an ordinary network by less than a step of int8.
constexpr size_t kMostPictures = 200;
constexpr size_t kMaxAttached = 64 << 20;

struct TrainedFile {
  tflite::Graph graph;  // keeps its bytes
  std::vector<tflite::AttachedFile> attached;
};

absl::StatusOr<TrainedFile> Read(const std::string& model) {
  TrainedFile file;
  std::vector<std::byte> bytes(model.size());
  std::memcpy(bytes.data(), model.data(), model.size());
  ASSIGN_OR_RETURN(file.attached, tflite::ReadAttachedFiles(bytes, kMaxAttached));
  ASSIGN_OR_RETURN(file.graph, tflite::ReadGraph(bytes));
  file.graph.Keep(std::move(bytes));
  RETURN_IF_ERROR(tflite::CheckGraph(file.graph));
  return file;
}

bool Computes8Bits(const tflite::Graph& graph) {
  const tflite::Subgraph& main = graph.subgraphs[0];
  return std::ranges::any_of(main.operators, [&](const tflite::Operator& op) {
    const std::string name = graph.operator_codes[op.code].Name();
    if (name != "CONV_2D" && name != "DEPTHWISE_CONV_2D") return false;
    const TensorType type = main.tensors[static_cast<size_t>(op.outputs[0])].type;
    return type == TensorType::kInt8 || type == TensorType::kUint8;
  });
}

std::vector<std::string> Evenly(const std::vector<std::string>& paths) {
  if (paths.size() <= kMostPictures) return paths;
  std::vector<std::string> some;
  for (size_t i = 0; i < kMostPictures; ++i)
    some.push_back(paths[i * paths.size() / kMostPictures]);
  return some;
}

// By tensor: the extremes over all pictures, and the mean of each picture's own.
struct Ranges {
  std::vector<Range> extreme, mean;
  size_t pictures = 0;
};

// Sums are taken in whole steps, so that they do not depend on the order of the pictures.
class RangeTaker {
 public:
  explicit RangeTaker(size_t tensors) : extreme_(tensors), sums_(tensors) {}

  void Look(const std::vector<std::span<const float>>& outputs) {
    std::vector<Range> seen(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      for (const float value : outputs[i]) seen[i].Add({value, value});
    }
    const MutexLock lock(mutex_);
    ++pictures_;
    for (size_t i = 0; i < seen.size(); ++i) {
      extreme_[i].Add(seen[i]);
      sums_[i].min += Steps(seen[i].min);
      sums_[i].max += Steps(seen[i].max);
    }
  }

  Ranges Take() {
    const MutexLock lock(mutex_);
    Ranges ranges{.extreme = extreme_, .mean = {}, .pictures = pictures_};
    for (const Sums& sums : sums_) {
      const double count = static_cast<double>(std::max<size_t>(pictures_, 1)) * kStepsInOne;
      ranges.mean.push_back({static_cast<float>(static_cast<double>(sums.min) / count),
                             static_cast<float>(static_cast<double>(sums.max) / count)});
    }
    return ranges;
  }

 private:
  struct Sums {
    int64_t min = 0, max = 0;
  };
  static constexpr double kStepsInOne = 1 << 20;
  static int64_t Steps(float value) {
    constexpr double kMost = 1e6;
    if (!std::isfinite(value)) return 0;
    return std::llround(std::clamp<double>(value, -kMost, kMost) * kStepsInOne);
  }

  Mutex mutex_;
  std::vector<Range> extreme_ ABSL_GUARDED_BY(mutex_);
  std::vector<Sums> sums_ ABSL_GUARDED_BY(mutex_);
  size_t pictures_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A graph that also gives the tensors, in that order.
absl::StatusOr<std::string> WriteCalibrationFile(const tflite::Graph& graph,
                                                 const std::vector<int32_t>& tensors) {
  tflite::Graph open = graph;
  open.metadata.clear();
  open.signatures.clear();
  RETURN_IF_ERROR(tflite::Cut(open, std::vector(graph.subgraphs[0].inputs), tensors));
  return tflite::WriteModel(open);
}

absl::StatusOr<Ranges> Calibrate(FileSystem& files, const TrainJob& job, const FullFile& full,
                                 const tflite::Graph& graph) {
  const std::vector<int32_t> tensors = TensorsToCalibrate(graph);
  if (tensors.empty())
    return FailedPrecondition("the model has no convolution that can be computed in int8");
  const std::string path = job.work + "/calibration.tflite";
  ASSIGN_OR_RETURN(const std::string bytes, WriteCalibrationFile(graph, tensors));
  RETURN_IF_ERROR(WriteFileDurably(files, path, bytes));
  PictureRun run{.model_path = path, .root = full.root, .paths = Evenly(full.paths)};
  run.threads = job.threads;
  run.stopped = job.stopped;
  run.progress = job.Counter("calibration", run.paths.size());
  RangeTaker taker(tensors.size());
  RETURN_IF_ERROR(LookAtOutputs(files, run, [&](const auto& outputs) { taker.Look(outputs); }));
  Ranges ranges = taker.Take();
  if (ranges.pictures == 0) return FailedPrecondition("there is no picture to calibrate int8 with");
  return ranges;
}

absl::Status AddInt8(FileSystem& files, const TrainJob& job, const FullFile& full, TrainedFile file,
                     std::vector<SmallFile>& made) {
  if (Computes8Bits(file.graph))
    return FailedPrecondition("the base model computes in 8 bits already, and so does this file");
  RETURN_IF_ERROR(infer::ComputeInFloat(file.graph).status());
  ASSIGN_OR_RETURN(const Ranges ranges, Calibrate(files, job, full, file.graph));
  for (const auto& [name, taken] : {std::pair{"int8, widest ranges", &ranges.extreme},
                                    std::pair{"int8, mean ranges", &ranges.mean}}) {
    ASSIGN_OR_RETURN(QuantisedGraph quantised, Quantise(file.graph, *taken));
    RETURN_IF_ERROR(Annotate(tflite::CheckGraph(quantised.graph), "the quantised model"));
    SmallFile& one = made.emplace_back();
    one.path = name;
    ASSIGN_OR_RETURN(one.model, tflite::WriteModelFile(quantised.graph, file.attached));
    one.facts = {{"operators_in_int8", quantised.quantised},
                 {"operators_in_float", quantised.kept},
                 {"calibration_pictures", ranges.pictures}};
  }
  return absl::OkStatus();
}

absl::Status AddHalf(TrainedFile file, std::vector<SmallFile>& made) {
  if (std::ranges::any_of(file.graph.subgraphs[0].tensors, [](const tflite::Tensor& tensor) {
        return tensor.type == TensorType::kFloat16;
      }))
    return FailedPrecondition("its weights are in half precision already");
  if (Computes8Bits(file.graph)) return FailedPrecondition("its weights are smaller already");
  RETURN_IF_ERROR(HalveWeights(file.graph));
  SmallFile& one = made.emplace_back();
  one.path = "half precision";
  one.is_half = true;
  ASSIGN_OR_RETURN(one.model, tflite::WriteModelFile(file.graph, file.attached));
  one.facts = ordered_json::object();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<SmallFile>> MakeSmaller(FileSystem& files, const TrainJob& job,
                                                   const FullFile& full, ordered_json& candidates) {
  ASSIGN_OR_RETURN(const TrainedFile file, Read(full.model));
  std::vector<SmallFile> made;
  const absl::Status in_int8 = AddInt8(files, job, full, file, made);
  if (absl::IsCancelled(in_int8)) return in_int8;
  if (!in_int8.ok()) candidates.push_back({{"path", "int8"}, {"skipped", MessageOf(in_int8)}});
  const absl::Status halved = AddHalf(file, made);
  if (!halved.ok())
    candidates.push_back({{"path", "half precision"}, {"skipped", MessageOf(halved)}});
  return made;
}

}  // namespace bowerbird::train
