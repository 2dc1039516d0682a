// SPDX-License-Identifier: Apache-2.0
//
// `capture_when`: whether a capture is worth keeping, and why. See docs/capture.md.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "capture/config.h"
#include "capture/readers.h"
#include "capture/trigger_scores.h"
#include "machine/catalog.h"

namespace bowerbird::capture {

// INVALID_ARGUMENT: a condition lacks the vision service that it must ask.
absl::Status CheckTrigger(const CaptureMethod& method);

// Remembers what it saw: one for each collector. Not thread-safe.
class Trigger {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // `method.when` must be set. The finder must outlive this.
  Trigger(const CaptureMethod& method, const machine::ResourceFinder& finder)
      : when_(*method.when), own_vision_(method.resource), finder_(finder) {}

  // nullopt: not to be kept. Else the tags that say why and with which score: "why_motion",
  // "score_motion_73" (percent, rounded). The budget is spent then.
  absl::StatusOr<std::optional<std::vector<std::string>>> Judge(const Context& context,
                                                                const Capture& capture, Steady now);

  // Captures that the budget alone kept out.
  uint64_t over_budget() const { return over_budget_; }

 private:
  absl::StatusOr<double> Score(const Context& context, const Condition& condition,
                               const Capture& capture);
  absl::StatusOr<Findings> Ask(const Context& context, const std::string& vision,
                               const Capture& capture) const;
  absl::StatusOr<double> ScoreMotion(const image::Picture& picture);
  absl::StatusOr<double> ScoreNovelty(const Context& context, const Condition& condition,
                                      const image::Picture& picture);
  absl::StatusOr<Feature> Embed(const Context& context, const std::string& model,
                                const image::Picture& picture) const;
  bool TakeFromBudget(Steady now);

  const CaptureWhen when_;
  const machine::ResourceName own_vision_;
  const machine::ResourceFinder& finder_;
  std::optional<Thumbnail> last_;
  std::map<std::string, FeatureMemory> memories_;  // by model, "" = the descriptor
  std::map<std::string, Feature> features_;        // of the picture being judged
  std::deque<Steady> spent_;                       // within the last hour
  uint64_t over_budget_ = 0;
};

}  // namespace bowerbird::capture
