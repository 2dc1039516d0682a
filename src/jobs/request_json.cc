// SPDX-License-Identifier: Apache-2.0
#include "jobs/request_json.h"

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

using Json = nlohmann::json;

Json ToJson(const NewJob& request) {
  return {{"dataset_id", request.dataset_id},
          {"model_name", request.model_name},
          {"model_version", request.model_version},
          {"type", NameOf(request.task)},
          {"labels", request.labels},
          {"force", request.choices.force},
          {"seed", request.choices.seed},
          {"minutes", request.choices.minutes},
          {"base", request.choices.base},
          {"steps", request.choices.steps},
          {"threads", request.choices.threads},
          {"int8", request.choices.int8}};
}

template <typename Value>
void Take(const Json& json, const char* key, Value& value) {
  const auto found = json.find(key);
  if (found == json.end()) return;
  if constexpr (std::is_same_v<Value, std::string>) {
    if (found->is_string()) value = found->get<std::string>();
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (found->is_boolean()) value = found->get<bool>();
  } else if constexpr (std::is_floating_point_v<Value>) {
    if (found->is_number() && std::isfinite(found->get<Value>())) value = found->get<Value>();
  } else {
    // What does not fit, as only a damaged row has it, counts as not given.
    if (found->is_number_unsigned()) {
      const auto number = found->get<uint64_t>();
      if (std::in_range<Value>(number)) value = static_cast<Value>(number);
    } else if (found->is_number_integer()) {
      const auto number = found->get<int64_t>();
      if (std::in_range<Value>(number)) value = static_cast<Value>(number);
    }
  }
}

registry::ModelTask TaskOf(std::string_view name) {
  using registry::ModelTask;
  for (const ModelTask task :
       {ModelTask::kSingleLabel, ModelTask::kMultiLabel, ModelTask::kDetection}) {
    if (NameOf(task) == name) return task;
  }
  return ModelTask::kUnknown;
}

}  // namespace

std::string_view NameOf(registry::ModelTask task) {
  switch (task) {
    case registry::ModelTask::kSingleLabel:
      return "single";
    case registry::ModelTask::kMultiLabel:
      return "multi";
    case registry::ModelTask::kDetection:
      return "detection";
    case registry::ModelTask::kUnknown:
      break;
  }
  return "unknown";
}

std::string_view NameOf(JobStatus status) {
  switch (status) {
    case JobStatus::kPending:
      return "pending";
    case JobStatus::kInProgress:
      return "in_progress";
    case JobStatus::kCompleted:
      return "completed";
    case JobStatus::kFailed:
      return "failed";
    case JobStatus::kCanceled:
      return "canceled";
    case JobStatus::kCanceling:
      return "canceling";
  }
  return "unspecified";
}

std::string JsonOfRequest(const NewJob& request) {
  return ToJson(request).dump(-1, ' ', false, Json::error_handler_t::replace);
}

NewJob RequestOfJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  NewJob request;
  if (!json.is_object()) return request;
  std::string type;
  Take(json, "dataset_id", request.dataset_id);
  Take(json, "model_name", request.model_name);
  Take(json, "model_version", request.model_version);
  Take(json, "type", type);
  request.task = TaskOf(type);
  if (const auto labels = json.find("labels"); labels != json.end() && labels->is_array()) {
    for (const Json& label : *labels) {
      if (label.is_string()) request.labels.push_back(label.get<std::string>());
    }
  }
  Take(json, "force", request.choices.force);
  Take(json, "seed", request.choices.seed);
  Take(json, "minutes", request.choices.minutes);
  Take(json, "base", request.choices.base);
  Take(json, "steps", request.choices.steps);
  Take(json, "threads", request.choices.threads);
  Take(json, "int8", request.choices.int8);
  return request;
}

}  // namespace bowerbird::jobs
