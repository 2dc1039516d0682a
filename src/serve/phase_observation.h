// SPDX-License-Identifier: Apache-2.0
//
// The phases of one inference call, counted under its model.
#pragma once

#include <string>

#include "base/context.h"
#include "base/metrics.h"
#include "base/phases.h"

namespace bowerbird::serve {

// Times the phases of a scope: counts them under the model's `label` at its end, and adds them to
// the call's own clock where there is one. `label` outlives it.
class PhaseObservation {
 public:
  PhaseObservation(Context& context, Metrics& metrics, const std::string& label)
      : context_(context), metrics_(metrics), label_(label), outer_(context.phases) {
    context_.phases = &times_;
  }
  ~PhaseObservation() {
    metrics_.ObservePhases(label_, times_);
    context_.phases = outer_;
    if (outer_ == nullptr) return;
    for (int i = 0; i < kPhaseCount; ++i)
      outer_->Add(static_cast<Phase>(i), times_.Get(static_cast<Phase>(i)));
  }
  PhaseObservation(const PhaseObservation&) = delete;
  PhaseObservation& operator=(const PhaseObservation&) = delete;

 private:
  Context& context_;
  Metrics& metrics_;
  const std::string& label_;
  PhaseTimes* const outer_;
  PhaseTimes times_;
};

}  // namespace bowerbird::serve
