// SPDX-License-Identifier: Apache-2.0
#include "infer/model_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"
#include "nlohmann/json.hpp"
#include "tensorflow/lite/c/c_api.h"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr uintmax_t kMaxFactBytes = uintmax_t{1} << 20;
constexpr char kEnding[] = ".json";
constexpr char kLockEnding[] = ".lock";  // not a fact (measuring_turn.h)

// What tells one processor from another in the first of its blocks of /proc/cpuinfo.
constexpr std::string_view kProcessorKeys[] = {"vendor_id", "cpu family",      "model",
                                               "stepping",  "flags",           "Features",
                                               "CPU part",  "CPU implementer", "CPU variant"};

std::string Processor() {
  std::ifstream info("/proc/cpuinfo");
  std::string found;
  for (std::string line; std::getline(info, line) && !line.empty();) {
    const std::string key = line.substr(0, line.find_first_of("\t:"));
    if (std::ranges::find(kProcessorKeys, key) != std::end(kProcessorKeys)) found += line + "\n";
  }
  utsname names{};
  uname(&names);
  return std::string(names.machine) + "-" + Sha256Hex(std::string_view(found)).substr(0, 12);
}

std::string ChecksumOf(const nlohmann::json& fact) {
  return Sha256Hex(
      std::string_view(fact.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

std::optional<std::string> TextOf(const std::string& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (error || size > kMaxFactBytes) return error ? std::nullopt : std::optional<std::string>("");
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The fact in `text`; an error if it is damaged or belongs to something else.
absl::StatusOr<nlohmann::json> FactIn(const std::string& text, std::string_view kind,
                                      const FactSubject& subject) {
  const nlohmann::json file = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) return InvalidArgument("it is no JSON object");
  const auto says = [&](const char* key, std::string_view wanted) {
    const auto found = file.find(key);
    return found != file.end() && found->is_string() &&
           found->get_ref<const std::string&>() == wanted;
  };
  const auto format = file.find("format");
  const auto fact = file.find("fact");
  if (format == file.end() || *format != kFormat || fact == file.end() || !fact->is_object()) {
    return InvalidArgument("it has not the form of this version");
  }
  if (!says("kind", kind) || !says("model_sha256", subject.file_sha256) ||
      !says("conditions", subject.conditions)) {
    return InvalidArgument("it is about something else");
  }
  if (!says("checksum", ChecksumOf(*fact))) return InvalidArgument("its checksum is wrong");
  return *fact;
}

}  // namespace

std::string RuntimeConditions(std::string_view program_version) {
  // In steps, because what a kernel leaves of the memory differs by a few pages.
  constexpr uint64_t kStep = uint64_t{256} << 20;
  const uint64_t memory =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return "bowerbird " + std::string(program_version) + ", TensorFlow Lite " + TfLiteVersion() +
         ", " + Processor() + ", " + std::to_string(memory / kStep * (kStep >> 20)) + " MiB";
}

ModelFacts::ModelFacts(std::string folder, size_t max_facts)
    : folder_(std::move(folder)), max_facts_(max_facts) {}

std::string ModelFacts::NameOf(std::string_view kind, const FactSubject& subject) {
  return std::string(kind) + "-" +
         Sha256Hex(subject.file_sha256 + "\n" + subject.conditions).substr(0, 32) + kEnding;
}

std::string ModelFacts::FileOf(std::string_view kind, const FactSubject& subject) const {
  if (folder_.empty()) return "";
  std::string path = folder_ + "/" + NameOf(kind, subject);
  std::error_code error;
  return fs::exists(path, error) ? path : "";
}

void ModelFacts::Distrust(const std::string& name, const absl::Status& why) const {
  {
    MutexLock lock(mutex_);
    if (!distrusted_.emplace(name, true).second) return;
  }
  LogWarning("infer", "ignoring what is noted in " + folder_ + "/" + name + ": " + MessageOf(why) +
                          "; it is found out anew");
}

std::optional<nlohmann::json> ModelFacts::Read(std::string_view kind, const std::string& name,
                                               const FactSubject& subject) const {
  std::optional<std::string> text;
  {
    MutexLock lock(mutex_);
    if (const auto found = unkept_.find(name); found != unkept_.end()) text = found->second;
  }
  if (!text && !folder_.empty()) text = TextOf(folder_ + "/" + name);
  if (!text) return std::nullopt;
  absl::StatusOr<nlohmann::json> fact = FactIn(*text, kind, subject);
  if (fact.ok()) return *std::move(fact);
  Distrust(name, fact.status());
  return std::nullopt;
}

void ModelFacts::Write(std::string_view kind, const FactSubject& subject,
                       const nlohmann::json& fact) {
  const nlohmann::ordered_json file = {{"format", kFormat},
                                       {"kind", kind},
                                       {"model_sha256", subject.file_sha256},
                                       {"conditions", subject.conditions},
                                       {"fact", fact},
                                       {"checksum", ChecksumOf(fact)}};
  const std::string text =
      file.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const std::string name = NameOf(kind, subject);
  const absl::Status status = WriteFile(name, text);
  MutexLock lock(mutex_);
  distrusted_.erase(name);
  if (status.ok()) {
    unkept_.erase(name);
    return;
  }
  if (unkept_.empty() && !folder_.empty()) {
    LogWarning("infer", "what is found out about models is lost at the end: " + MessageOf(status));
  }
  if (unkept_.size() >= max_facts_) unkept_.erase(unkept_.begin());
  unkept_[name] = text;
}

absl::Status ModelFacts::WriteFile(const std::string& name, const std::string& text) {
  if (folder_.empty()) return FailedPrecondition("there is no folder for it");
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return ErrnoStatus(error.value(), "make folder " + folder_);
  std::string part = folder_ + "/.part-XXXXXX";
  const int file = mkstemp(part.data());
  if (file < 0) return ErrnoStatus(errno, "write " + part);
  const bool is_whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int problem = is_whole ? 0 : (errno == 0 ? ENOSPC : errno);
  close(file);
  if (problem == 0 && rename(part.c_str(), (folder_ + "/" + name).c_str()) != 0) problem = errno;
  if (problem != 0) {
    unlink(part.c_str());
    return ErrnoStatus(problem, "write " + folder_ + "/" + name);
  }
  DropOldest();
  return absl::OkStatus();
}

void ModelFacts::DropOldest() const {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == kLockEnding) continue;
    std::error_code gone;  // another process may be at it, too
    const fs::file_time_type time = fs::last_write_time(at->path(), gone);
    if (!gone) files.emplace_back(time, at->path());
  }
  if (files.size() <= max_facts_) return;
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i + max_facts_ < files.size(); ++i) fs::remove(files[i].second, error);
}

}  // namespace bowerbird::infer
