// SPDX-License-Identifier: Apache-2.0
#include "app/train_base.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "app/commands.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kDefault[] = "default";
constexpr uint64_t kMaxBaseBytes = uint64_t{1} << 30;

std::string FolderOf(const std::string& data_dir) { return data_dir + "/bases"; }

// In the order of their text.
std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".tflite") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string Known(const std::string& folder) {
  const std::vector<std::string> names = Names(folder);
  if (names.empty()) return "none is kept yet (bowerbird train base add FILE.tflite)";
  std::string text = "kept are";
  for (const std::string& name : names) text += " " + name;
  return text;
}

absl::Status CheckName(const std::string& name) {
  const bool fits = !name.empty() && name[0] != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (name == kNoBase)
    return InvalidArgument("'none' is what training without a base model is called: take another");
  if (fits) return absl::OkStatus();
  return InvalidArgument("'" + name +
                         "' is no name of a base model: letters, digits, '-', '_' and '.' are");
}

// What the trainer says that it can make of the file. Its error is the reason why not.
absl::StatusOr<Json> Describe(const std::string& file) {
  Subprocess::Options child;
  child.argv = {TrainerPath(), "--describe", "--base", file};
  child.name = "bowerbird-train";
  ASSIGN_OR_RETURN(const std::unique_ptr<Subprocess> trainer, Subprocess::Start(std::move(child)));
  std::string said;
  std::array<char, 4096> buffer;
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, trainer->Read(buffer));
    if (count == 0) break;
    said.append(buffer.data(), count);
  }
  const ExitStatus end = *trainer->Wait();
  const Json line = Json::parse(said, nullptr, /*allow_exceptions=*/false);
  if (line.is_object() && line.contains("error") && line["error"].is_string())
    return FailedPrecondition(line["error"].get<std::string>());
  if (!end.ok() || !line.is_object())
    return Internal("the trainer " + end.ToString() + ": " + trainer->LastStderrLine());
  return line;
}

struct BaseOptions {
  std::string file, name;
  std::string data_dir = DefaultDataDir();
  bool json = false;

  std::string Folder() const { return FolderOf(data_dir); }
  std::string FileOf(const std::string& base) const { return Folder() + "/" + base + ".tflite"; }
};

absl::Status Add(const BaseOptions& options) {
  const std::string name =
      options.name.empty() ? fs::path(options.file).stem().string() : options.name;
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(Json facts, Describe(options.file));
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(*files, options.file, kMaxBaseBytes));
  RETURN_IF_ERROR(files->MakeDirectories(options.Folder(), 0777));
  RETURN_IF_ERROR(WriteFileDurably(*files, options.FileOf(name), bytes, 0666));
  if (options.json) {
    facts["name"] = name;
    std::printf("%s\n", facts.dump().c_str());
  } else {
    std::printf("%s: %d features of %d x %d pixels%s\n", name.c_str(), facts.value("features", 0),
                facts.value("width", 0), facts.value("height", 0),
                facts.value("detector", false) ? ", a detector" : "");
  }
  return absl::OkStatus();
}

absl::Status List(const BaseOptions& options) {
  const auto files = MakeFileSystem();
  auto all = Json::array();
  for (const std::string& name : Names(options.Folder())) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadFile(*files, options.FileOf(name), kMaxBaseBytes));
    const std::string hash = Sha256Hex(std::string_view(bytes));
    all.push_back({{"name", name}, {"bytes", bytes.size()}, {"sha256", hash}});
    if (!options.json)
      std::printf("%-24s %9.1f MB  %s\n", name.c_str(), static_cast<double>(bytes.size()) / 1e6,
                  hash.substr(0, 12).c_str());
  }
  if (options.json) std::printf("%s\n", all.dump().c_str());
  if (!options.json && all.empty()) std::fprintf(stderr, "%s\n", Known(options.Folder()).c_str());
  return absl::OkStatus();
}

absl::Status Remove(const BaseOptions& options) {
  RETURN_IF_ERROR(CheckName(options.name));
  const std::string file = options.FileOf(options.name);
  std::error_code error;
  if (fs::remove(file, error)) return absl::OkStatus();
  if (error) return ErrnoStatus(error.value(), "removing " + file);
  return absl::NotFoundError("there is no base model '" + options.name +
                             "': " + Known(options.Folder()));
}

}  // namespace

std::string TrainerPath() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / "bowerbird-train").string();
}

absl::StatusOr<std::string> FindBase(const std::string& wanted) {
  std::error_code error;
  if (!wanted.empty() && fs::exists(wanted, error)) return wanted;
  const absl::StatusOr<std::string> kept = FindKeptBase(DefaultDataDir(), wanted);
  return wanted.empty() && !kept.ok() ? kNoBase : kept;
}

absl::StatusOr<std::string> FindKeptBase(const std::string& data_dir, const std::string& name) {
  if (name == kNoBase) return kNoBase;
  const std::string folder = FolderOf(data_dir);
  const std::string file = folder + "/" + (name.empty() ? kDefault : name) + ".tflite";
  std::error_code error;
  if ((name.empty() || CheckName(name).ok()) && fs::exists(file, error)) return file;
  if (!name.empty())
    return absl::NotFoundError("there is no base model '" + name + "': " + Known(folder));
  return FailedPrecondition(
      "there is no base model called default: name another one, or keep one (bowerbird train base "
      "add FILE.tflite --name default), or train without one (--base none); " +
      Known(folder));
}

void RegisterTrainBase(CLI::App& train, int* exit_status) {
  CLI::App* base = train.add_subcommand("base", "The models that training starts from");
  base->require_subcommand(1);
  auto options = std::make_shared<BaseOptions>();
  const auto run = [exit_status](const absl::Status& status) {
    if (!status.ok()) Fail(exit_status, "train base: " + MessageOf(status));
  };
  CLI::App* add = base->add_subcommand("add", "Keep a model");
  add->add_option("file", options->file, "A .tflite file")->required();
  add->add_option("--name", options->name,
                  "Default: the file's; the one called default is taken "
                  "where nobody names any");
  add->add_flag("--json", options->json, "What it is, as JSON");
  add->footer("Example:\n  bowerbird train base add mobilenet_v2.tflite --name default");
  add->callback([options, run] { run(Add(*options)); });
  CLI::App* list = base->add_subcommand("list", "What is kept");
  list->add_flag("--json", options->json, "As JSON");
  list->callback([options, run] { run(List(*options)); });
  CLI::App* remove = base->add_subcommand("remove", "Keep it no longer");
  remove->add_option("name", options->name)->required();
  remove->callback([options, run] { run(Remove(*options)); });
  for (CLI::App* command : {add, list, remove})
    command
        ->add_option("--data-dir", options->data_dir,
                     "That of the server that trains; `train local` looks in the default one")
        ->capture_default_str();
}

}  // namespace bowerbird::app
