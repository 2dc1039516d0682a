// SPDX-License-Identifier: Apache-2.0
#include "app/model_neighbours.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/hub_client.h"
#include "app/train_base.h"
#include "app/wire_json.h"
#include "base/file_system.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "bowerbird/v1/training.pb.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxPictureBytes = uint64_t{64} << 20;
constexpr char kFeatureFile[] = "features.bin";

struct NeighbourOptions {
  HubFlags hub;
  std::string organization_id, model, version;
  std::vector<std::string> files, items;
  int count = 5;
  bool json = false;
};

// A picture or an item that nothing came of.
void TellFailure(const std::string& file, const std::string& why) {
  std::fprintf(stderr, "bowerbird: %s: %s\n", file.c_str(), why.c_str());
}

void Print(const Json& answer, bool json) {
  if (json) {
    std::printf("%s\n", answer.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("%s\n", answer["file"].get<std::string>().c_str());
  for (const Json& one : answer["neighbours"]) {
    std::string labels, from = one.value("picture", "");
    for (const Json& label : one["labels"])
      labels += (labels.empty() ? "" : ", ") + label.get<std::string>();
    for (const Json& item : one.value("items", Json::array()))
      from += (from.empty() ? "" : " ") + item["id"].get<std::string>() +
              (item["deleted"].get<bool>() ? " (deleted)" : "");
    std::printf("  %.4f  %-20s %s\n", one["distance"].get<double>(), labels.c_str(), from.c_str());
  }
}

// A line of the trainer; false: it is about a failure.
bool TakeLine(const std::string& line, bool json, std::string& failure) {
  const Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return true;
  if (answer.contains("error")) {
    if (!answer.contains("file")) failure = answer["error"].get<std::string>();
    if (answer.contains("file"))
      TellFailure(answer["file"].get<std::string>(), answer["error"].get<std::string>());
    return false;
  }
  Print(answer, json);
  return true;
}

absl::Status AskFolder(const NeighbourOptions& options) {
  if (!options.items.empty())
    return InvalidArgument("--item is for models of a hub: give files for a folder's");
  Subprocess::Options child;
  child.argv = {TrainerPath(), "--neighbours", options.model, "--count",
                std::to_string(options.count)};
  for (const std::string& file : options.files)
    child.argv.insert(child.argv.end(), {"--picture", file});
  child.name = "bowerbird-train";
  ASSIGN_OR_RETURN(const std::unique_ptr<Subprocess> trainer, Subprocess::Start(std::move(child)));
  std::array<char, 4096> buffer;
  std::string line, failure;
  size_t failed = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const size_t count, trainer->Read(buffer));
    if (count == 0) break;
    for (const char c : std::string_view(buffer.data(), count)) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (!TakeLine(line, options.json, failure)) ++failed;
      line.clear();
    }
  }
  const ExitStatus end = *trainer->Wait();
  if (!failure.empty()) return FailedPrecondition(failure);
  if (!end.ok())
    return Internal("the trainer " + end.ToString() + ": " + trainer->LastStderrLine());
  return failed == 0 ? absl::OkStatus()
                     : FailedPrecondition(std::to_string(failed) + " pictures could not be used");
}

Json AnswerOf(const std::string& file, const v1::FindNeighboursResponse& response) {
  Json answer = {{"file", file},
                 {"model", response.model().name()},
                 {"version", response.model().version()},
                 {"neighbours", Json::array()}};
  for (const v1::Neighbour& one : response.neighbours()) {
    Json items = Json::array(), labels = Json::array();
    for (const v1::Neighbour::Item& item : one.items())
      items.push_back({{"id", item.binary_data_id()}, {"deleted", item.deleted()}});
    for (const std::string& label : one.labels()) labels.push_back(label);
    answer["neighbours"].push_back({{"items", std::move(items)},
                                    {"sha256", one.sha256()},
                                    {"labels", std::move(labels)},
                                    {"distance", one.distance()}});
  }
  return answer;
}

absl::Status AskHub(const NeighbourOptions& options) {
  ASSIGN_OR_RETURN(const auto hub, HubClient::Connect(options.hub));
  const auto files = MakeFileSystem();
  size_t failed = 0;
  const auto ask = [&](const std::string& file, bool is_item) -> absl::Status {
    v1::FindNeighboursRequest request;
    request.set_organization_id(options.organization_id);
    request.set_name(options.model);
    request.set_version(options.version);
    request.set_count(static_cast<uint32_t>(options.count));
    if (is_item) {
      request.set_binary_data_id(file);
    } else {
      ASSIGN_OR_RETURN(*request.mutable_image(), ReadFile(*files, file, kMaxPictureBytes));
    }
    v1::FindNeighboursResponse response;
    RETURN_IF_ERROR(hub->Call("/bowerbird.v1.ModelService/FindNeighbours", request, response));
    Print(AnswerOf(file, response), options.json);
    return absl::OkStatus();
  };
  for (const auto* list : {&options.files, &options.items}) {
    for (const std::string& file : *list) {
      const absl::Status asked = ask(file, list == &options.items);
      if (asked.ok()) continue;
      TellFailure(file, MessageOf(asked));
      ++failed;
    }
  }
  return failed == 0 ? absl::OkStatus()
                     : FailedPrecondition(std::to_string(failed) + " pictures could not be used");
}

absl::Status FindNeighbours(const NeighbourOptions& options) {
  if (options.files.empty() && options.items.empty())
    return InvalidArgument("give the files of pictures, or --item with the id of one");
  const auto files = MakeFileSystem();
  // A name on a hub has neither a slash nor a folder of that name with a model in it.
  const bool is_folder = options.model.find('/') != std::string::npos ||
                         Exists(*files, options.model + "/" + kFeatureFile);
  return is_folder ? AskFolder(options) : AskHub(options);
}

}  // namespace

void RegisterModelNeighbours(CLI::App& model, int* exit_status) {
  auto options = std::make_shared<NeighbourOptions>();
  CLI::App* command = model.add_subcommand(
      "neighbours", "Training pictures that are most like a picture, to a model");
  AddHubFlags(*command, options->hub);
  command->add_option("model", options->model, "Its name on the hub, or the folder of a model")
      ->required();
  command->add_option("files", options->files, "Pictures");
  command->add_option("--item", options->items, "The id of a picture on the hub");
  command->add_option("--version", options->version, "Default: the newest");
  command->add_option("--count", options->count, "Of neighbours")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--org-id", options->organization_id, "Default: the key's");
  command->add_flag("--json", options->json, "An object a line for each picture");
  command->footer("Example:\n  bowerbird model neighbours flowers rose.jpg --count 3");
  command->callback([options, exit_status] {
    const absl::Status status = FindNeighbours(*options);
    if (status.ok()) return;
    Fail(exit_status, "model: " + MessageOf(status));
    if (absl::IsInvalidArgument(status)) *exit_status = 2;
  });
}

}  // namespace bowerbird::app
