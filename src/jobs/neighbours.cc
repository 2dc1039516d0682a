// SPDX-License-Identifier: Apache-2.0
//
// Which training pictures are behind an answer of a model: the trainer compares, in a child of its
// own, since the model's file and the picture come from outside.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/status.h"
#include "jobs/jobs.h"
#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

using Json = nlohmann::json;

constexpr int kMostRunning = 2;
constexpr int kMostQueries = 8;
constexpr uint32_t kMostNeighbours = 100;
constexpr std::chrono::seconds kLongest{60};
constexpr size_t kPiece = size_t{256} << 10;
constexpr size_t kMaxAnswerBytes = size_t{4} << 20;
constexpr char kPicture[] = "picture";

std::string TextIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// One of the trainer's answer; its picture is called by its hash, as WriteTrainingSet did.
absl::StatusOr<Neighbour> ReadNeighbour(const Json& json) {
  const std::string picture = json.is_object() ? TextIn(json, "picture") : "";
  if (picture.empty() || !json.contains("distance") || !json["distance"].is_number())
    return Internal("the trainer's answer about neighbours cannot be read");
  Neighbour neighbour{.hash = picture.substr(picture.rfind('/') + 1),
                      .distance = json["distance"].get<double>()};
  for (const Json& label : json.value("labels", Json::array())) {
    if (label.is_string()) neighbour.labels.push_back(label.get<std::string>());
  }
  return neighbour;
}

absl::StatusOr<std::vector<Neighbour>> ReadAnswer(const std::string& text) {
  const Json answer =
      Json::parse(text.substr(0, text.find('\n')), nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return Internal("the trainer gave no answer about neighbours");
  if (const std::string error = TextIn(answer, "error"); !error.empty())
    return answer.contains("file") ? InvalidArgument("the picture: " + error)
                                   : FailedPrecondition(error);
  std::vector<Neighbour> neighbours;
  for (const Json& one : answer.value("neighbours", Json::array())) {
    ASSIGN_OR_RETURN(Neighbour neighbour, ReadNeighbour(one));
    neighbours.push_back(std::move(neighbour));
  }
  return neighbours;
}

// All that a child says until it ends.
absl::StatusOr<std::string> ReadAll(Subprocess& child) {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    ASSIGN_OR_RETURN(const size_t count, child.Read(buffer, deadline));
    if (count == 0) break;
    if (text.size() + count > kMaxAnswerBytes) return Internal("the trainer's answer is too long");
    text.append(buffer.data(), count);
  }
  const auto end = child.Wait(deadline);
  if (end.has_value() && end->signal == 0) return text;
  return absl::AbortedError(ToAbsl("the trainer " +
                                   (end.has_value() ? "was " + end->ToString() : "does not end") +
                                   " while it compared pictures: see the server's log"));
}

}  // namespace

absl::Status Jobs::FetchFile(const registry::ModelVersion& model, const std::string& name,
                             const std::string& folder) {
  const auto file = std::ranges::find(model.files, name, &registry::ModelFile::name);
  if (file == model.files.end())
    return FailedPrecondition("version " + model.version + " of " + model.name + " has no " + name +
                              ", which models that are trained here have: train it anew");
  ASSIGN_OR_RETURN(const auto from, options_.models->OpenFile(*file));
  ASSIGN_OR_RETURN(const auto to,
                   options_.files->OpenForWriting(folder + "/" + name, WriteMode::kTruncate));
  std::string piece;
  for (uint64_t offset = 0; offset < from->size(); offset += piece.size()) {
    piece.resize(kPiece);
    ASSIGN_OR_RETURN(const size_t count, from->ReadAt(offset, piece));
    if (count == 0) return absl::DataLossError(ToAbsl("the model's " + name + " is too short"));
    piece.resize(count);
    RETURN_IF_ERROR(to->Append(piece));
  }
  return to->Close();
}

absl::StatusOr<std::vector<Neighbour>> Jobs::AskTrainer(const std::string& folder, uint32_t count) {
  Subprocess::Options child;
  child.argv = {"nice", "-n", "10"};
  child.argv.insert(child.argv.end(), options_.trainer.argv.begin(), options_.trainer.argv.end());
  const std::vector<std::string> arguments = {"--neighbours", folder,
                                              "--picture",    folder + "/" + kPicture,
                                              "--count",      std::to_string(count)};
  child.argv.insert(child.argv.end(), arguments.begin(), arguments.end());
  child.name = "neighbours";
  ASSIGN_OR_RETURN(const auto running, Subprocess::Start(std::move(child)));
  ASSIGN_OR_RETURN(const std::string text, ReadAll(*running));
  return ReadAnswer(text);
}

// Ids by content, of the model's own list of items.
absl::Status Jobs::AddItems(const registry::ModelVersion& model,
                            std::vector<Neighbour>& neighbours) {
  const auto file =
      std::ranges::find(model.files, std::string(registry::kItemsFile), &registry::ModelFile::name);
  if (file == model.files.end()) return absl::OkStatus();
  std::multimap<std::string, Neighbour*> wanted;
  for (Neighbour& neighbour : neighbours) wanted.emplace(neighbour.hash, &neighbour);
  ASSIGN_OR_RETURN(const auto reader, options_.models->OpenFile(*file));
  std::string piece, line;
  for (uint64_t offset = 0; offset < reader->size(); offset += piece.size()) {
    piece.resize(kPiece);
    ASSIGN_OR_RETURN(const size_t count, reader->ReadAt(offset, piece));
    if (count == 0) return absl::DataLossError("the model's list of items is too short");
    piece.resize(count);
    for (const char c : piece) {
      if (c != '\n') {
        line += c;
        continue;
      }
      const Json item = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      line.clear();
      if (!item.is_object()) continue;
      const auto [first, last] = wanted.equal_range(TextIn(item, "sha256"));
      for (auto at = first; at != last; ++at)
        at->second->items.push_back({.id = TextIn(item, "id")});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Neighbour>> Jobs::Compare(const data::Caller& caller,
                                                     const registry::ModelVersion& model,
                                                     const NeighbourQuery& query,
                                                     const std::string& folder) {
  data::Items& items = options_.catalog->items();
  std::string image = query.image;
  if (image.empty()) {
    ASSIGN_OR_RETURN(const auto found, items.Get(caller, std::vector{query.item_id}));
    ASSIGN_OR_RETURN(image, items.Read(found.front()));
  }
  RETURN_IF_ERROR(options_.files->MakeDirectories(folder));
  for (const char* name : {"model.tflite", "features.bin"})
    RETURN_IF_ERROR(FetchFile(model, name, folder));
  ASSIGN_OR_RETURN(const auto file,
                   options_.files->OpenForWriting(folder + "/" + kPicture, WriteMode::kTruncate));
  RETURN_IF_ERROR(file->Append(image));
  RETURN_IF_ERROR(file->Close());
  ASSIGN_OR_RETURN(auto neighbours, AskTrainer(folder, query.count));
  RETURN_IF_ERROR(AddItems(model, neighbours));
  for (Neighbour& neighbour : neighbours) {
    for (Neighbour::Item& item : neighbour.items) {
      const absl::Status there = items.Get(caller, std::vector{item.id}).status();
      if (!there.ok() && !absl::IsNotFound(there)) return there;
      item.deleted = !there.ok();
    }
  }
  return neighbours;
}

absl::StatusOr<std::vector<Neighbour>> Jobs::FindNeighbours(const data::Caller& caller,
                                                            const registry::ModelVersion& model,
                                                            const NeighbourQuery& query) {
  if (query.count < 1 || query.count > kMostNeighbours)
    return InvalidArgument("from 1 to 100 neighbours can be asked for");
  if (query.image.empty() == query.item_id.empty())
    return InvalidArgument("give either the bytes of a picture or the id of an item");
  if (options_.trainer.argv.empty())
    return FailedPrecondition("no trainer is installed: put bowerbird-train beside bowerbird");
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (queries_ >= kMostQueries)
      return ResourceExhausted("too many ask for neighbours at once: try again in a second");
    ++queries_;
    number = ++last_query_;
    while (running_queries_ >= kMostRunning) changed_.Wait(mutex_);
    ++running_queries_;
  }
  const std::string folder = FolderOf("neighbours-" + std::to_string(number));
  auto neighbours = Compare(caller, model, query, folder);
  RemoveFolder(folder);
  MutexLock lock(mutex_);
  --queries_;
  --running_queries_;
  changed_.NotifyAll();
  return neighbours;
}

}  // namespace bowerbird::jobs
