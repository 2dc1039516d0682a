// SPDX-License-Identifier: Apache-2.0
//
// `bowerbird bench`: what a model costs on this machine, beside the bare runtime.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {

struct BenchOptions {
  std::string model;
  int threads = 1;
  int instances = 1;
  int rounds = 7;
  double seconds = 0.4;
  bool compare = false;
};

// Median over the rounds, and how far they lie apart.
struct Spread {
  double median = 0;
  double percent = 0;  // (largest - smallest) / median, in percent
};
Spread SpreadOf(std::vector<double> values);

// All rounds of one variant.
struct VariantResult {
  std::string name;  // "ours", "plain", "plain_xnnpack"
  std::vector<nlohmann::ordered_json> rounds;
  std::string error;  // not empty: the variant cannot run this model
  Spread Of(const std::string& key) const;
};

// p50 of `slower` over that of `faster`, round by round; the median of these.
double PairedRatio(const VariantResult& slower, const VariantResult& faster);

// The variants take turns, round by round, so that a change of the machine's load hits all alike.
absl::StatusOr<std::vector<VariantResult>> RunBench(const BenchOptions& options);

// What `--json` prints; scripts rely on its keys.
nlohmann::ordered_json BenchJson(const BenchOptions& options,
                                 const std::vector<VariantResult>& results);

}  // namespace bowerbird::app
