// SPDX-License-Identifier: Apache-2.0
#include "train/classifier_job.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "evaluate/report.h"
#include "train/fine_tune_job.h"
#include "train/graft_job.h"
#include "train/int8_job.h"
#include "train/picture_model.h"
#include "train/processor_time.h"
#include "train/report_page.h"
#include "train/scratch_job.h"

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;

// A file with what it scores when it is run.
struct Candidate {
  std::string model;
  ordered_json scores;  // of the validation side; no figures where that is empty
  ordered_json row;     // of the table in the report
  evaluate::ScoredPictures scored;
  std::vector<std::pair<double, double>> loss;  // step, loss
};

class ClassifierTrainer {
 public:
  ClassifierTrainer(FileSystem& files, const TrainJob& job) : files_(files), job_(job) {}

  absl::StatusOr<TrainedModel> Train() {
    if (from_scratch()) return TrainWithoutBase();
    ASSIGN_OR_RETURN(graft_, MakeGraft(files_, job_));
    TakeValidation();
    ASSIGN_OR_RETURN(Candidate best, Score("graft", std::exchange(graft_.model, {}), 0));
    ordered_json candidates{best.row};
    if (job_.budget_seconds > 0 && !job_.IsStopped()) {
      const double before = ProcessorSeconds();
      auto tuned = FineTuneGraft(files_, job_, graft_, SecondsLeft());
      if (tuned.ok()) {
        ASSIGN_OR_RETURN(Candidate other, Score("fine-tune", std::move(tuned->model), before));
        other.row.update(tuned->facts);
        other.loss = std::move(tuned->loss);
        candidates.push_back(other.row);
        if (FigureOf(other) > FigureOf(best)) best = std::move(other);
      } else {
        candidates.push_back({{"path", "fine-tune"}, {"skipped", MessageOf(tuned.status())}});
        job_.Tell({{"warning", "no fine-tuning: " + MessageOf(tuned.status())}});
      }
    }
    return Finish(std::move(best), std::move(candidates));
  }

 private:
  bool independent() const { return job_.data.task == Task::kMultiLabel; }
  bool from_scratch() const { return job_.base_path.empty(); }

  absl::StatusOr<TrainedModel> TrainWithoutBase() {
    ASSIGN_OR_RETURN(FromScratch made, TrainFromScratch(files_, job_));
    graft_.set = std::move(made.set);
    TakeValidation();
    ASSIGN_OR_RETURN(Candidate only, Score("scratch", std::move(made.tuned.model), 0));
    only.row.update(made.tuned.facts);
    only.loss = std::move(made.tuned.loss);
    ordered_json candidates{only.row};
    return Finish(std::move(only), std::move(candidates));
  }

  absl::StatusOr<TrainedModel> Finish(Candidate best, ordered_json candidates) {
    if (job_.int8 && !job_.IsStopped()) {
      ASSIGN_OR_RETURN(std::optional<Candidate> small, Shrink(best, candidates));
      if (small.has_value()) best = *std::move(small);
    }
    return Describe(std::move(best), std::move(candidates));
  }

  // The best of the smaller files that lose little, if any does.
  absl::StatusOr<std::optional<Candidate>> Shrink(const Candidate& full, ordered_json& candidates) {
    std::vector<std::string> training;
    for (const TrainingPicture& picture : graft_.set.pictures) {
      if (!picture.is_validation) training.push_back(picture.path);
    }
    ASSIGN_OR_RETURN(
        std::vector<SmallFile> files,
        MakeSmaller(files_, job_, {graft_.set.root, training, full.model}, candidates));
    std::optional<Candidate> best;
    for (SmallFile& file : files) {
      // Half precision is for where int8 lost too much.
      if (file.is_half && best.has_value()) break;
      ASSIGN_OR_RETURN(Candidate small,
                       Score(file.path.c_str(), std::move(file.model), ProcessorSeconds()));
      small.row.update(file.facts);
      small.loss = full.loss;
      const bool good = FigureOf(small) >= FigureOf(full) - kMostLost / 100;
      if (!good) small.row["skipped"] = "it loses more than a point";
      candidates.push_back(small.row);
      if (good && (!best.has_value() || FigureOf(small) > FigureOf(*best))) best = std::move(small);
    }
    return best;
  }

  void TakeValidation() {
    for (const TrainingPicture& picture : graft_.set.pictures) {
      if (!picture.is_validation) continue;
      validation_.push_back(picture);
      truth_.push_back(picture.truth);
      if (!independent()) only_.push_back(picture.truth.front());
    }
  }

  // For the network: without what the file and its score take.
  double SecondsLeft() const {
    constexpr double kRestSeconds = 2, kScoreSeconds = 0.03;
    return job_.budget_seconds - ProcessorSeconds() - kRestSeconds -
           kScoreSeconds * static_cast<double>(validation_.size());
  }

  // By which candidates are compared.
  double FigureOf(const Candidate& candidate) const {
    const char* const key = independent() ? "map" : "accuracy";
    const auto found = candidate.scores.find(key);
    return found != candidate.scores.end() && found->is_number() ? found->get<double>() : -1;
  }

  // What the file itself says of the validation side.
  absl::StatusOr<Candidate> Score(const char* path, std::string model, double seconds_before) {
    Candidate candidate;
    candidate.model = std::move(model);
    candidate.scores = ordered_json::object();
    const std::string file = job_.work + "/" + path + ".tflite";
    RETURN_IF_ERROR(WriteFileDurably(files_, file, candidate.model));
    PictureRun run{.model_path = file, .root = graft_.set.root, .paths = {}};
    for (const TrainingPicture& picture : validation_) run.paths.push_back(picture.path);
    run.threads = job_.threads;
    run.progress = job_.Counter("validation", run.paths.size());
    ASSIGN_OR_RETURN(const auto rows, RunOverPictures(files_, run));
    evaluate::ScoredPictures& scored = candidate.scored;
    scored.labels = graft_.set.labels;
    for (size_t i = 0; i < rows.size(); ++i) {
      RETURN_IF_ERROR(rows[i].status());
      scored.scores.insert(scored.scores.end(), rows[i]->begin(), rows[i]->end());
    }
    if (!truth_.empty())
      candidate.scores = independent() ? evaluate::MultiLabelReport(scored, truth_)
                                       : evaluate::ClassifierReport(scored, only_);
    candidate.row = {{"path", path},
                     {independent() ? "map" : "accuracy", FigureOf(candidate)},
                     {"bytes", candidate.model.size()},
                     {"processor_seconds", ProcessorSeconds() - seconds_before}};
    if (truth_.empty()) candidate.row[independent() ? "map" : "accuracy"] = nullptr;
    candidate.row.update(CostOfCandidate(file));
    return candidate;
  }

  absl::StatusOr<TrainedModel> Describe(Candidate best, ordered_json candidates) {
    TrainedModel trained;
    trained.labels = graft_.set.labels;
    trained.model = std::move(best.model);
    if (best.row["path"] == "graft") trained.known_features = std::move(graft_.features);
    ordered_json& report = trained.report;
    report = std::move(best.scores);
    report["type"] = TaskName(job_.data.task);
    report["labels"] = graft_.set.labels;
    report["split"] = {{"training", graft_.set.pictures.size() - validation_.size()},
                       {"validation", validation_.size()}};
    report["path"] = best.row["path"];
    report["candidates"] = std::move(candidates);
    ASSIGN_OR_RETURN(report["base"], DescribeBase(files_, job_));
    if (!from_scratch()) DescribeGraft(report);
    DescribeData(job_, graft_.set, report);
    DescribeModel(best.row, trained);
    AddPage(best, trained);
    return trained;
  }

  void DescribeGraft(ordered_json& report) const {
    report["base"].update({{"taps", graft_.embedding.taps},
                           {"features", graft_.embedding.depth},
                           {"width", graft_.embedding.size.width},
                           {"height", graft_.embedding.size.height}});
    report["head"] = {{"penalty", graft_.penalty},
                      {"penalties", graft_.penalties},
                      {"loss", graft_.head.loss},
                      {"steps", graft_.head.evaluations}};
    if (!graft_.cross_validation.is_null()) report["cross_validation"] = graft_.cross_validation;
  }

  void AddPage(const Candidate& best, TrainedModel& trained) {
    PageInput page{.loss = best.loss,
                   .mistakes = independent()
                                   ? evaluate::WorstMistakes(best.scored, truth_, kMostMistakes)
                                   : evaluate::WorstMistakes(best.scored, only_, kMostMistakes),
                   .root = graft_.set.root};
    if (!truth_.empty()) page.curves = evaluate::CurvesOf(best.scored, truth_);
    for (const TrainingPicture& picture : validation_) page.paths.push_back(picture.path);
    MakePage(files_, job_, page, trained);
  }

  FileSystem& files_;
  const TrainJob& job_;
  Graft graft_;
  std::vector<TrainingPicture> validation_;
  std::vector<std::vector<uint32_t>> truth_;  // of validation_
  std::vector<uint32_t> only_;                // the first of each, of a single-label task
};

}  // namespace

absl::StatusOr<TrainedModel> TrainClassifier(FileSystem& files, const TrainJob& job) {
  return ClassifierTrainer(files, job).Train();
}

}  // namespace bowerbird::train
