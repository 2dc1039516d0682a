// SPDX-License-Identifier: Apache-2.0
#include "train/neighbours.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "train/picture_model.h"
#include "train/taps.h"

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kMaxModelBytes = uint64_t{1} << 30;
constexpr uint64_t kMaxFeatureBytes = uint64_t{4} << 30;
// Two ways to the same features round differently.
constexpr double kSameDistance = 1e-3;

// The tensor that the last product of a classifier reads, by name where that is enough: all that
// its answer depends on. None where the model ends otherwise.
std::vector<std::string> PenultimateTaps(const std::string& model) {
  std::vector<std::byte> bytes(model.size());
  std::memcpy(bytes.data(), model.data(), model.size());
  auto graph = tflite::ReadGraph(bytes);
  if (!graph.ok() || !tflite::CheckGraph(*graph).ok()) return {};
  const tflite::Subgraph& main = graph->subgraphs[0];
  if (main.outputs.size() != 1) return {};
  const tflite::Links links(main);
  int32_t tensor = main.outputs[0];
  for (size_t steps = 0; steps < main.operators.size(); ++steps) {
    const int32_t producer = links.Producer(tensor);
    if (producer < 0) return {};
    const tflite::Operator& op = main.operators[static_cast<size_t>(producer)];
    const std::string name = graph->operator_codes[op.code].Name();
    tensor = op.inputs.empty() ? -1 : op.inputs[0];
    if (tensor < 0) return {};
    if (name == "FULLY_CONNECTED") {
      const std::string& called = main.tensors[static_cast<size_t>(tensor)].name;
      return {tflite::FindTensor(main, called) == tensor ? called : std::to_string(tensor)};
    }
    const bool passes = name == "SOFTMAX" || name == "LOGISTIC" || name == "DEQUANTIZE" ||
                        name == "QUANTIZE" || name == "RESHAPE";
    if (!passes) return {};
  }
  return {};
}

struct Extractor {
  std::string path;  // of a file that gives the features
  std::vector<std::string> taps;
  size_t depth = 0;
};

// `taps` empty: those that the model is best known by.
absl::StatusOr<Extractor> MakeExtractor(FileSystem& files, const std::string& model_path,
                                        std::vector<std::string> taps, const std::string& work) {
  if (taps.empty()) {
    ASSIGN_OR_RETURN(const std::string model, ReadFile(files, model_path, kMaxModelBytes));
    taps = PenultimateTaps(model);
  }
  ASSIGN_OR_RETURN(const Embedding embedding, ReadEmbedding(model_path, {.taps = taps}));
  ASSIGN_OR_RETURN(const std::string bytes, WriteEmbeddingFile(embedding));
  Extractor extractor{.path = work + "/features.tflite",
                      .taps = taps.empty() ? embedding.taps : taps,
                      .depth = static_cast<size_t>(embedding.depth)};
  RETURN_IF_ERROR(WriteFileDurably(files, extractor.path, bytes));
  return extractor;
}

std::vector<std::string> LabelsOf(const TrainingSet& set, const TrainingPicture& picture) {
  std::vector<uint32_t> numbers = picture.truth;
  for (const LabeledBox& box : picture.boxes) numbers.push_back(static_cast<uint32_t>(box.label));
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::vector<std::string> labels;
  for (const uint32_t number : numbers) {
    if (number < set.labels.size()) labels.push_back(set.labels[number]);
  }
  return labels;
}

class Indexer {
 public:
  Indexer(FileSystem& files, const TrainJob& job, const KnownFeatures& known)
      : files_(files), job_(job), known_(known) {}

  absl::StatusOr<std::string> Make(const std::string& model) {
    ASSIGN_OR_RETURN(TrainingSet set, ReadTrainingSet(files_, job_.data));
    std::erase_if(set.pictures, [](const TrainingPicture& one) { return one.is_validation; });
    const std::string path = job_.work + "/indexed.tflite";
    RETURN_IF_ERROR(WriteFileDurably(files_, path, model));
    ASSIGN_OR_RETURN(const Extractor extractor, MakeExtractor(files_, path, {}, job_.work));
    file_.model_hash = Sha256Hex(std::string_view(model));
    file_.taps = extractor.taps;
    file_.depth = extractor.depth;
    ASSIGN_OR_RETURN(const bool as_known, IsAsKnown(extractor, set));
    RETURN_IF_ERROR(as_known ? TakeKnown(set) : Run(extractor, set));
    return WriteFeatureFile(file_);
  }

 private:
  // Of pictures [0, count) of the set.
  absl::StatusOr<std::vector<absl::StatusOr<std::vector<float>>>> Features(
      const Extractor& extractor, const TrainingSet& set, size_t count) const {
    PictureRun run{.model_path = extractor.path, .root = set.root, .paths = {}};
    for (size_t i = 0; i < count; ++i) run.paths.push_back(set.pictures[i].path);
    run.threads = job_.threads;
    run.stopped = job_.stopped;
    run.progress = job_.Counter("index", count);
    return RunOverPictures(files_, run);
  }

  // Looked at on the first picture that is known: the file may differ from what was trained.
  absl::StatusOr<bool> IsAsKnown(const Extractor& extractor, const TrainingSet& set) const {
    const size_t count = std::min<size_t>(set.pictures.size(), 1);
    if (known_.empty() || count == 0) return false;
    const auto found = known_.find(set.pictures[0].path);
    if (found == known_.end() || found->second.size() != extractor.depth) return false;
    ASSIGN_OR_RETURN(const auto rows, Features(extractor, set, count));
    if (!rows[0].ok()) return false;
    FeatureFile one{.depth = extractor.depth, .rows = {{}}, .values = found->second};
    const auto nearest = Nearest(one, DirectionOf(*rows[0]), 1);
    return !nearest.empty() && nearest[0].distance < kSameDistance;
  }

  void Add(const TrainingSet& set, const TrainingPicture& picture,
           const std::vector<int8_t>& direction) {
    file_.rows.push_back({.picture = picture.path, .labels = LabelsOf(set, picture)});
    file_.values.insert(file_.values.end(), direction.begin(), direction.end());
  }

  absl::Status TakeKnown(const TrainingSet& set) {
    for (const TrainingPicture& picture : set.pictures) {
      const auto found = known_.find(picture.path);
      if (found != known_.end() && found->second.size() == file_.depth)
        Add(set, picture, found->second);
    }
    return absl::OkStatus();
  }

  absl::Status Run(const Extractor& extractor, const TrainingSet& set) {
    ASSIGN_OR_RETURN(const auto rows, Features(extractor, set, set.pictures.size()));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (absl::IsCancelled(rows[i].status())) return rows[i].status();
      // What cannot be read is a problem of the report already.
      if (rows[i].ok() && rows[i]->size() == file_.depth)
        Add(set, set.pictures[i], DirectionOf(*rows[i]));
    }
    return absl::OkStatus();
  }

  FileSystem& files_;
  const TrainJob& job_;
  const KnownFeatures& known_;
  FeatureFile file_;
};

}  // namespace

void AddFeatures(FileSystem& files, const TrainJob& job, const KnownFeatures& known,
                 TrainedModel& trained) {
  auto made = job.IsStopped() ? absl::StatusOr<std::string>(absl::CancelledError("stopped"))
                              : Indexer(files, job, known).Make(trained.model);
  if (made.ok()) {
    trained.features = *std::move(made);
    return;
  }
  const std::string warning = "the nearest training pictures of a prediction will not be known: " +
                              MessageOf(made.status());
  trained.report["warnings"].push_back(warning);
  job.Tell({{"warning", warning}});
}

absl::Status FindNeighbours(FileSystem& files, const NeighbourQuery& query,
                            const std::function<void(const ordered_json&)>& tell) {
  const std::string path = query.directory + "/" + kFeatureFile;
  const auto bytes = ReadFile(files, path, kMaxFeatureBytes);
  if (absl::IsNotFound(bytes.status()))
    return NotFound(query.directory + " has no " + kFeatureFile +
                    ", which models that this program trained have: train it anew");
  RETURN_IF_ERROR(bytes.status());
  ASSIGN_OR_RETURN(const FeatureFile file, ReadFeatureFile(*bytes));
  const std::string model_path = query.directory + "/model.tflite";
  ASSIGN_OR_RETURN(const std::string model, ReadFile(files, model_path, kMaxModelBytes));
  if (Sha256Hex(std::string_view(model)) != file.model_hash)
    return FailedPrecondition(path + " is of another model than " + model_path +
                              ": put both from the same training there");
  ASSIGN_OR_RETURN(const Extractor extractor,
                   MakeExtractor(files, model_path, file.taps, query.work));
  if (extractor.depth != file.depth)
    return FailedPrecondition(path + " has rows of " + std::to_string(file.depth) +
                              " features and the model gives " + std::to_string(extractor.depth));
  PictureRun run{.model_path = extractor.path, .root = "", .paths = {}};
  for (const std::string& picture : query.pictures)
    run.paths.push_back(std::filesystem::absolute(picture).string());
  ASSIGN_OR_RETURN(const auto rows, RunOverPictures(files, run));
  for (size_t i = 0; i < rows.size(); ++i) {
    ordered_json line = {{"file", query.pictures[i]}};
    if (!rows[i].ok()) line["error"] = MessageOf(rows[i].status());
    if (rows[i].ok()) {
      line["neighbours"] = ordered_json::array();
      for (const Neighbour& one : Nearest(file, DirectionOf(*rows[i]), query.count))
        line["neighbours"].push_back({{"picture", file.rows[one.row].picture},
                                      {"labels", file.rows[one.row].labels},
                                      {"distance", one.distance}});
    }
    tell(line);
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::train
