// SPDX-License-Identifier: Apache-2.0
//
// How a model behaves while it is served: what an instance weighs, and whether several calls are
// faster in one run. Private to this room.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "infer/memory_plan.h"
#include "nlohmann/json_fwd.hpp"

namespace bowerbird::infer {

// What was found out by trying one file, as it is kept (model_facts.h).
struct ServingTrial {
  static constexpr std::string_view kKind = "serving";

  MemoryNeed memory;                    // first == 0: not measured
  std::chrono::nanoseconds alone{};     // processor time of one call
  std::chrono::nanoseconds together{};  // of a run of all rows
  std::string refusal;  // why runs of several rows are impossible or were not tried; "": they work
  bool died = false;    // the child that tried came to no end of its own
  int64_t unix_time = 0;  // when it was found

  // What a child died of may have been the machine's moment, not the file: it is tried again some
  // day.
  bool IsStale(int64_t now) const;

  nlohmann::json ToJson() const;
  static absl::StatusOr<ServingTrial> FromJson(const nlohmann::json& json);
};

}  // namespace bowerbird::infer
