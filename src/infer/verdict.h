// SPDX-License-Identifier: Apache-2.0
//
// What a probe found out about a model file, as it is kept (model_facts.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "infer/probe.h"
#include "nlohmann/json_fwd.hpp"

namespace bowerbird::infer {

// What a machine's moment may have had a part in is found out anew after a day.
bool IsDayOld(int64_t unix_time, int64_t now);

struct Verdict {
  static constexpr std::string_view kKind = "verdict";

  // OK, or what every load is told: INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
  absl::Status status;
  Clearance clearance;    // for status OK
  int64_t unix_time = 0;  // when it was found

  // Time and memory depend on what else the machine does: such a verdict ends some day.
  bool IsStale(int64_t now) const;

  nlohmann::json ToJson() const;
  static absl::StatusOr<Verdict> FromJson(const nlohmann::json& json);
};

}  // namespace bowerbird::infer
