// SPDX-License-Identifier: Apache-2.0
#include "train/picture_model.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "image/picture.h"
#include "infer/tflite_model.h"
#include "train/in_parallel.h"
#include "vision/input_plan.h"

namespace bowerbird::train {
namespace {

constexpr size_t kHashBytes = 32;

// What a model gave for a picture, by the hashes of both. A file is the floats and their SHA-256:
// one that was torn is computed again.
class FeatureCache {
 public:
  FeatureCache(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  std::optional<std::vector<float>> Find(const std::string& image_hash) const {
    if (directory_.empty()) return std::nullopt;
    const auto bytes = ReadFile(files_, directory_ + "/" + image_hash);
    if (!bytes.ok() || bytes->size() < kHashBytes) return std::nullopt;
    const std::string_view values(bytes->data(), bytes->size() - kHashBytes);
    if (values.size() % sizeof(float) != 0 ||
        DigestOf(values) != std::string_view(*bytes).substr(values.size()))
      return std::nullopt;
    std::vector<float> features(values.size() / sizeof(float));
    std::memcpy(features.data(), values.data(), values.size());
    return features;
  }

  // A cache that cannot be written is slower, not wrong.
  void Keep(const std::string& image_hash, const std::vector<float>& features) const {
    if (directory_.empty()) return;
    const std::string_view values(reinterpret_cast<const char*>(features.data()),
                                  features.size() * sizeof(float));
    std::string part = directory_;
    part.append("/new.").append(std::to_string(gettid()));
    auto file = files_.OpenForWriting(part, WriteMode::kTruncate);
    if (!file.ok() || !(*file)->Append(values).ok() || !(*file)->Append(DigestOf(values)).ok() ||
        !(*file)->Close().ok() || !files_.Rename(part, directory_ + "/" + image_hash).ok())
      static_cast<void>(files_.Remove(part).ok());
  }

 private:
  static std::string DigestOf(std::string_view values) {
    Sha256 hash;
    hash.Update(values);
    const Sha256Digest digest = hash.Finish();
    return {digest.begin(), digest.end()};
  }

  FileSystem& files_;
  const std::string directory_;
};

// The model after it has seen an encoded picture.
absl::StatusOr<std::unique_ptr<infer::Lease>> InvokeOn(std::string bytes, const infer::Model& model,
                                                       const vision::InputPlan& plan) {
  const auto picture = image::Picture::FromBytes(std::move(bytes));
  ASSIGN_OR_RETURN(const image::Header header, picture->header());
  ASSIGN_OR_RETURN(const auto pixels, picture->Decoded(plan.DecodeSizeFor(header.size)));
  ASSIGN_OR_RETURN(auto lease, model.Acquire({}));
  RETURN_IF_ERROR(plan.Fill(*pixels, header.size, *lease).status());
  RETURN_IF_ERROR(lease->Invoke({}));
  return lease;
}

struct LoadedModel {
  std::unique_ptr<infer::TfliteModel> model;
  vision::InputPlan plan;
};

absl::StatusOr<LoadedModel> LoadFor(const PictureRun& run) {
  infer::TfliteOptions options{.model_path = run.model_path};
  options.instances = std::max(run.threads, 1);
  // Rounding must not depend on what is measured to be faster on this machine today.
  options.prepare = infer::Prepare::kNone;
  ASSIGN_OR_RETURN(auto model, infer::TfliteModel::Load(options));
  for (const auto& output : model->metadata().outputs) {
    if (output.type != infer::DType::kFloat32)
      return FailedPrecondition("model " + run.model_path + " does not give float32 numbers");
  }
  if (model->metadata().outputs.empty())
    return FailedPrecondition("model " + run.model_path + " gives nothing");
  ASSIGN_OR_RETURN(vision::InputPlan plan,
                   vision::InputPlan::Make(model->metadata(), {},
                                           vision::ConventionOf(vision::Decoder::kAuto, false)));
  return LoadedModel{std::move(model), std::move(plan)};
}

class Runner {
 public:
  Runner(FileSystem& files, const PictureRun& run, const infer::Model& model,
         const vision::InputPlan& plan, FeatureCache cache)
      : files_(files),
        run_(run),
        model_(model),
        plan_(plan),
        cache_(std::move(cache)),
        results_(run.paths.size(), absl::CancelledError("stopped")) {}

  absl::StatusOr<std::vector<absl::StatusOr<std::vector<float>>>> Run() {
    RETURN_IF_ERROR(InParallel({.count = run_.paths.size(),
                                .threads = run_.threads,
                                .stopped = run_.stopped,
                                .progress = run_.progress},
                               [this](size_t i) { results_[i] = RunOne(run_.paths[i]); }));
    return std::move(results_);
  }

 private:
  absl::StatusOr<std::vector<float>> RunOne(const std::string& path) {
    ASSIGN_OR_RETURN(std::string bytes, ReadFile(files_, run_.root + "/" + path, kMaxPictureBytes));
    const std::string hash = Sha256Hex(std::string_view(bytes));
    if (auto known = cache_.Find(hash); known.has_value()) return *std::move(known);
    ASSIGN_OR_RETURN(const auto lease, InvokeOn(std::move(bytes), model_, plan_));
    const std::span<const float> output = lease->Output(0).As<float>();
    std::vector<float> features(output.begin(), output.end());
    cache_.Keep(hash, features);
    return features;
  }

  FileSystem& files_;
  const PictureRun& run_;
  const infer::Model& model_;
  const vision::InputPlan& plan_;
  const FeatureCache cache_;
  std::vector<absl::StatusOr<std::vector<float>>> results_;  // each written by one thread
};

}  // namespace

absl::StatusOr<std::vector<absl::StatusOr<std::vector<float>>>> RunOverPictures(
    FileSystem& files, const PictureRun& run) {
  ASSIGN_OR_RETURN(const LoadedModel loaded, LoadFor(run));
  std::string cache = run.cache;
  if (!cache.empty()) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(files, run.model_path, uint64_t{2} << 30));
    cache.append("/").append(Sha256Hex(std::string_view(bytes)));
    if (!files.MakeDirectories(cache).ok()) cache.clear();
  }
  return Runner(files, run, *loaded.model, loaded.plan, FeatureCache(files, cache)).Run();
}

absl::Status LookAtOutputs(
    FileSystem& files, const PictureRun& run,
    const std::function<void(const std::vector<std::span<const float>>& outputs)>& look) {
  ASSIGN_OR_RETURN(const LoadedModel loaded, LoadFor(run));
  const size_t outputs = loaded.model->metadata().outputs.size();
  return InParallel({.count = run.paths.size(),
                     .threads = run.threads,
                     .stopped = run.stopped,
                     .progress = run.progress},
                    [&](size_t i) {
                      auto bytes = ReadFile(files, run.root + "/" + run.paths[i], kMaxPictureBytes);
                      if (!bytes.ok()) return;
                      const auto lease = InvokeOn(*std::move(bytes), *loaded.model, loaded.plan);
                      if (!lease.ok()) return;
                      std::vector<std::span<const float>> values;
                      for (size_t k = 0; k < outputs; ++k)
                        values.push_back((*lease)->Output(static_cast<int>(k)).As<float>());
                      look(values);
                    });
}

}  // namespace bowerbird::train
