// SPDX-License-Identifier: Apache-2.0
//
// For tests: a probe that lets everything pass and keeps facts in memory.
#pragma once

#include <string>

#include "infer/model_facts.h"
#include "infer/probe.h"

namespace bowerbird::infer::testing {

class OpenProbe : public ModelProbe {
 public:
  absl::StatusOr<Clearance> Check(const Context&, const ProbeRequest&) const override {
    return Clearance{};
  }
  ModelFacts* facts() const override { return &facts_; }
  std::string conditions() const override { return "test"; }

 private:
  mutable ModelFacts facts_{""};
};

}  // namespace bowerbird::infer::testing
