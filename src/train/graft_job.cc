// SPDX-License-Identifier: Apache-2.0
#include "train/graft_job.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "base/status.h"
#include "train/picture_model.h"

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;

constexpr std::array<double, 5> kPenalties{10, 1, 1e-1, 1e-2, 1e-3};
constexpr double kPenaltyUntried = 1e-3;  // where the job is stopped before any is tried
constexpr int kFolds = 5;
// Work of a fit above which penalties are tried on a part of the rows: labels * depth * rows. The
// best penalty changes little with more of them.
constexpr size_t kMostTried = 8'000'000;

class GraftTrainer {
 public:
  GraftTrainer(FileSystem& files, const TrainJob& job) : files_(files), job_(job) {}

  absl::StatusOr<Graft> Make() {
    ASSIGN_OR_RETURN(set_, ReadPictures(files_, job_));
    Graft graft;
    ASSIGN_OR_RETURN(graft.embedding, ReadEmbedding(job_.base_path, job_.embedding));
    RETURN_IF_ERROR(ComputeFeatures(graft.embedding));
    ASSIGN_OR_RETURN(graft.penalty, ChoosePenalty());
    job_.Tell({{"phase", "fit"}, {"rows", training_.size()}, {"penalty", graft.penalty}});
    ASSIGN_OR_RETURN(graft.head, FitHead(examples_, training_, graft.penalty));
    job_.Tell({{"phase", "fit"}, {"rows", training_.size()}, {"loss", graft.head.loss}});
    ASSIGN_OR_RETURN(graft.cross_validation, CrossValidateAll(graft.penalty));
    ASSIGN_OR_RETURN(graft.model,
                     WriteGraftedFile(graft.embedding, graft.head,
                                      {.name = job_.name.empty() ? "classifier" : job_.name,
                                       .description = "Trained by Bowerbird on a frozen base.",
                                       .labels = set_.labels,
                                       .independent = independent()}));
    for (size_t i = 0; i < set_.pictures.size(); ++i) {
      graft.features[set_.pictures[i].path] =
          DirectionOf(std::span(examples_.features).subspan(i * examples_.depth, examples_.depth));
    }
    graft.penalties = std::move(penalties_);
    graft.set = std::move(set_);
    return graft;
  }

 private:
  bool independent() const { return job_.data.task == Task::kMultiLabel; }

  absl::Status ComputeFeatures(const Embedding& embedding) {
    const std::string path = job_.work + "/embedding.tflite";
    ASSIGN_OR_RETURN(const std::string bytes, WriteEmbeddingFile(embedding));
    RETURN_IF_ERROR(WriteFileDurably(files_, path, bytes));
    ASSIGN_OR_RETURN(const auto rows, RunOverPictures(files_, RunOf(path)));
    examples_.depth = static_cast<size_t>(embedding.depth);
    examples_.labels = set_.labels.size();
    examples_.independent = independent();
    std::vector<TrainingPicture> usable;
    for (size_t i = 0; i < rows.size(); ++i) {
      TrainingPicture& picture = set_.pictures[i];
      if (!rows[i].ok() || rows[i]->size() != examples_.depth) {
        set_.problems.push_back({annotation::Problem::Kind::kImageSkipped, picture.path, "",
                                 rows[i].ok() ? "the base model gives no features for it"
                                              : MessageOf(rows[i].status())});
        continue;
      }
      examples_.features.insert(examples_.features.end(), rows[i]->begin(), rows[i]->end());
      examples_.truth.push_back(picture.truth);
      (picture.is_validation ? validation_ : training_).push_back(usable.size());
      usable.push_back(std::move(picture));
    }
    set_.pictures = std::move(usable);
    return CheckUsable(rows.size());
  }

  absl::Status CheckUsable(size_t all) const {
    if (set_.pictures.empty())
      return FailedPrecondition("none of the " + std::to_string(all) +
                                " pictures can be read: " + TextOf(set_.problems.back()));
    std::vector<bool> seen(examples_.labels);
    for (const size_t row : training_) {
      for (const uint32_t label : examples_.truth[row]) seen[label] = true;
    }
    for (size_t k = 0; k < seen.size(); ++k) {
      if (!seen[k])
        return FailedPrecondition("no picture of '" + set_.labels[k] +
                                  "' is left to train on: add some, or take the label away");
    }
    return absl::OkStatus();
  }

  PictureRun RunOf(const std::string& model) const {
    PictureRun run{.model_path = model, .root = set_.root, .paths = {}};
    for (const TrainingPicture& picture : set_.pictures) run.paths.push_back(picture.path);
    run.cache = job_.cache;
    run.threads = job_.threads;
    run.stopped = job_.stopped;
    run.progress = job_.Counter("features", run.paths.size());
    return run;
  }

  // In the order of the split's rows, as many as kMostTried allows, evenly taken.
  std::vector<size_t> RowsToTry(const std::vector<size_t>& rows) const {
    const size_t most =
        std::max<size_t>(kMostTried / (examples_.depth * examples_.labels), 20 * examples_.labels);
    if (rows.size() <= most) return rows;
    std::vector<size_t> some;
    for (size_t i = 0; i < most; ++i) some.push_back(rows[i * rows.size() / most]);
    return some;
  }

  // By the cross entropy of pictures that were left out, of the training side alone: what the
  // validation side then says has not been chosen by it.
  absl::StatusOr<double> ChoosePenalty() {
    const std::vector<size_t> rows = RowsToTry(training_);
    const CrossValidationOptions options{kFolds, job_.threads, job_.stopped};
    std::optional<CrossValidation> best;
    for (const double penalty : kPenalties) {
      const auto tried = CrossValidate(examples_, rows, penalty, options);
      if (absl::IsCancelled(tried.status()) || job_.IsStopped()) break;
      RETURN_IF_ERROR(tried.status());
      penalties_.push_back({{"penalty", penalty},
                            {"cross_validation_accuracy", tried->accuracy},
                            {"cross_validation_loss", tried->loss}});
      job_.Tell({{"phase", "penalty"},
                 {"done", penalties_.size()},
                 {"total", kPenalties.size()},
                 {"loss", tried->loss},
                 {"score", tried->accuracy}});
      if (!best.has_value() || tried->loss < best->loss) best = *tried;
    }
    return best.has_value() ? best->penalty : kPenaltyUntried;
  }

  absl::StatusOr<ordered_json> CrossValidateAll(double penalty) {
    if (job_.IsStopped()) return ordered_json();
    std::vector<size_t> all(examples_.rows());
    std::iota(all.begin(), all.end(), size_t{0});
    ASSIGN_OR_RETURN(const CrossValidation crossed,
                     CrossValidate(examples_, RowsToTry(all), penalty, {kFolds, job_.threads, {}}));
    return ordered_json{{"folds", kFolds}, {"accuracy", crossed.accuracy}, {"loss", crossed.loss}};
  }

  FileSystem& files_;
  const TrainJob& job_;
  TrainingSet set_;
  Examples examples_;
  std::vector<size_t> training_, validation_;  // rows of examples_
  ordered_json penalties_ = ordered_json::array();
};

}  // namespace

absl::StatusOr<Graft> MakeGraft(FileSystem& files, const TrainJob& job) {
  return GraftTrainer(files, job).Make();
}

}  // namespace bowerbird::train
