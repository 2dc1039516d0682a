// SPDX-License-Identifier: Apache-2.0
#include "infer/serving_trial.h"

#include <algorithm>

#include "base/status.h"
#include "infer/verdict.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {

using std::chrono::nanoseconds;

bool ServingTrial::IsStale(int64_t now) const { return died && IsDayOld(unix_time, now); }

nlohmann::json ServingTrial::ToJson() const {
  return {{"first_bytes", memory.first},
          {"another_bytes", memory.another},
          {"rows_bytes", memory.rows},
          {"alone_ns", alone.count()},
          {"together_ns", together.count()},
          {"refusal", refusal},
          {"died", died},
          {"unix_time", unix_time}};
}

absl::StatusOr<ServingTrial> ServingTrial::FromJson(const nlohmann::json& json) {
  const auto number = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
  };
  const int64_t first = number("first_bytes"), another = number("another_bytes"),
                rows = number("rows_bytes"), alone = number("alone_ns"),
                together = number("together_ns"), unix_time = number("unix_time");
  const auto refusal = json.find("refusal");
  const auto died = json.find("died");
  if (std::min({first, another, rows, alone, together, unix_time}) < 0 || refusal == json.end() ||
      !refusal->is_string() || died == json.end() || !died->is_boolean()) {
    return InvalidArgument("not the outcome of a trial of serving");
  }
  ServingTrial trial;
  trial.memory = {.first = static_cast<uint64_t>(first),
                  .another = static_cast<uint64_t>(another),
                  .rows = static_cast<uint64_t>(rows)};
  trial.alone = nanoseconds(alone);
  trial.together = nanoseconds(together);
  trial.refusal = refusal->get<std::string>();
  trial.died = died->get<bool>();
  trial.unix_time = unix_time;
  if (trial.refusal.empty() && alone == 0) {
    return InvalidArgument("a trial of batches in which a call took no time");
  }
  return trial;
}

}  // namespace bowerbird::infer
