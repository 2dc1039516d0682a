// SPDX-License-Identifier: Apache-2.0
#include "capture/sequences.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/status.h"
#include "capture/capture_files.h"
#include "capture/capture_writer.h"
#include "capture/config.h"
#include "google/protobuf/util/time_util.h"
#include "machine/attributes.h"

namespace bowerbird::capture {
namespace {

using google::protobuf::util::TimeUtil;
using machine::Attributes;

constexpr char kSequencesKey[] = "sequences";
constexpr size_t kMaxResources = 256;

std::string TimeText(Time time) {
  return TimeUtil::ToString(TimeUtil::NanosecondsToTimestamp(time.time_since_epoch().count()));
}

absl::StatusOr<Time> ReadTime(const Attributes& attributes, std::string_view key) {
  ASSIGN_OR_RETURN(const std::string text, attributes.RequiredString(key));
  google::protobuf::Timestamp time;
  if (!TimeUtil::FromString(text, &time)) return attributes.Error(key, "is no time");
  return Time(std::chrono::nanoseconds(TimeUtil::TimestampToNanoseconds(time)));
}

// `method_key`: "method" in readings, "method_name" in files.
absl::StatusOr<SequenceKey> ReadKey(const Attributes& attributes, std::string_view method_key) {
  SequenceKey key;
  const auto& json = attributes.json();
  if (!json.contains("resources") || !json.at("resources").is_array() ||
      json.at("resources").empty() || json.at("resources").size() > kMaxResources)
    return attributes.Error("resources", "is no list of 1 to 256 resources");
  for (const auto& entry : json.at("resources")) {
    if (!entry.is_object()) return attributes.Error("resources", "has an entry that is no object");
    const Attributes resource(entry, attributes.PathOf("resources"));
    ASSIGN_OR_RETURN(std::string name, resource.RequiredString("resource_name"));
    ASSIGN_OR_RETURN(std::string method, resource.RequiredString(method_key));
    key.resources.emplace_back(std::move(name), std::move(method));
  }
  // The same sequence whatever the order of a reading.
  std::sort(key.resources.begin(), key.resources.end());
  ASSIGN_OR_RETURN(key.tags, attributes.Strings("sequence_tags"));
  RETURN_IF_ERROR(Annotate(CheckTags(key.tags), attributes.PathOf("sequence_tags")));
  std::sort(key.tags.begin(), key.tags.end());
  return key;
}

}  // namespace

absl::StatusOr<std::vector<SequenceKey>> ReadSequences(const nlohmann::json& reading) {
  std::vector<SequenceKey> keys;
  if (!reading.is_object() || !reading.contains(kSequencesKey)) return keys;
  const auto& list = reading.at(kSequencesKey);
  if (!list.is_array() || list.size() > SequenceLog::kMaxOpen)
    return InvalidArgument("\"sequences\" is no list of at most " +
                           std::to_string(SequenceLog::kMaxOpen) + " sequences");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = "sequences[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return InvalidArgument(path + " is not an object");
    ASSIGN_OR_RETURN(SequenceKey key, ReadKey(Attributes(list[i], path), "method"));
    keys.push_back(std::move(key));
  }
  return keys;
}

std::string EncodeSequence(const Sequence& sequence) {
  nlohmann::json resources = nlohmann::json::array();
  for (const auto& [name, method] : sequence.key.resources)
    resources.push_back({{"resource_name", name}, {"method_name", method}});
  nlohmann::json json = {{"start_time", TimeText(sequence.start)},
                         {"resources", std::move(resources)},
                         {"sequence_tags", sequence.key.tags}};
  if (sequence.end != Time()) json["end_time"] = TimeText(sequence.end);
  return json.dump();
}

absl::StatusOr<Sequence> DecodeSequence(std::string_view content) {
  const auto json = nlohmann::json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::DataLossError("it is no sequence: not a JSON object");
  const auto read = [&]() -> absl::StatusOr<Sequence> {
    const Attributes attributes(json, "sequence");
    Sequence sequence;
    ASSIGN_OR_RETURN(sequence.key, ReadKey(attributes, "method_name"));
    ASSIGN_OR_RETURN(sequence.start, ReadTime(attributes, "start_time"));
    ASSIGN_OR_RETURN(sequence.end, ReadTime(attributes, "end_time"));
    return sequence;
  }();
  if (!read.ok()) return absl::DataLossError(ToAbsl(MessageOf(read.status())));
  return *read;
}

SequenceLog::SequenceLog(FileSystem& files, std::string capture_dir, Clock now)
    : files_(files), capture_dir_(std::move(capture_dir)), now_(now), errors_("capture") {
  Recover();
}

SequenceLog::~SequenceLog() { Update({}); }

std::string SequenceLog::PathOf(const std::string& stamp, std::string_view suffix) const {
  return capture_dir_ + "/" + std::string(kSequencesFolder) + "/" + stamp + std::string(suffix);
}

void SequenceLog::Recover() {
  const auto names = files_.List(capture_dir_ + "/" + std::string(kSequencesFolder));
  if (!names.ok()) return;  // there were none
  for (const std::string& name : *names) {
    const std::string path = PathOf(name, "");
    absl::Status status;
    if (name.ends_with(".new")) status = files_.Remove(path);  // a write that was cut short
    if (name.ends_with(kOpenSequenceSuffix)) {
      const std::string stamp = name.substr(0, name.size() - kOpenSequenceSuffix.size());
      status = Exists(files_, PathOf(stamp, kSequenceSuffix))
                   ? files_.Remove(path)
                   : Quarantine(files_, path, FailedPath(capture_dir_, path),
                                "the machine died while this sequence was open: when it ended is "
                                "not known");
    }
    if (!status.ok()) LogWarning("capture", MessageOf(status));
  }
}

void SequenceLog::Update(const std::vector<SequenceKey>& wanted) {
  const std::set<SequenceKey> keys(wanted.begin(), wanted.end());
  for (auto it = open_.begin(); it != open_.end();) {
    const absl::Status ended =
        keys.count(it->first) > 0 ? absl::OkStatus() : End(it->first, it->second);
    if (!ended.ok()) errors_.Report(Annotate(ended, "a sequence is not closed yet"));
    it = keys.count(it->first) > 0 || !ended.ok() ? std::next(it) : open_.erase(it);
  }
  for (const SequenceKey& key : keys) {
    if (open_.count(key) > 0 || open_.size() >= kMaxOpen) continue;
    const absl::Status begun = Begin(key);
    if (!begun.ok()) errors_.Report(Annotate(begun, "a sequence is not opened yet"));
  }
}

absl::Status SequenceLog::Begin(const SequenceKey& key) {
  Open open;
  open.start = now_();
  Time name = open.start;
  do {
    open.stamp = FileStamp(name);
    name += std::chrono::microseconds(1);
  } while (Exists(files_, PathOf(open.stamp, kOpenSequenceSuffix)) ||
           Exists(files_, PathOf(open.stamp, kSequenceSuffix)));
  const std::string path = PathOf(open.stamp, kOpenSequenceSuffix);
  RETURN_IF_ERROR(files_.MakeDirectories(ParentDirectory(path), 0700));
  RETURN_IF_ERROR(WriteFileDurably(files_, path, EncodeSequence({key, open.start, Time()}), 0600));
  open_.emplace(key, std::move(open));
  return absl::OkStatus();
}

absl::Status SequenceLog::End(const SequenceKey& key, const Open& open) {
  // A clock that was set back meanwhile: no sequence ends before it began.
  const Sequence sequence{key, open.start, std::max(open.start, now_())};
  RETURN_IF_ERROR(WriteFileDurably(files_, PathOf(open.stamp, kSequenceSuffix),
                                   EncodeSequence(sequence), 0600));
  const absl::Status removed = files_.Remove(PathOf(open.stamp, kOpenSequenceSuffix));
  if (!removed.ok()) LogWarning("capture", MessageOf(removed));  // the next start removes it
  return absl::OkStatus();
}

}  // namespace bowerbird::capture
