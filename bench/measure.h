// SPDX-License-Identifier: Apache-2.0
//
// What every benchmark here shares: interleaved rounds, percentiles, and one JSON line a figure.
//
// A figure is a ratio (or a difference) of two things run side by side in the same round, so that
// whatever else the machine does hits both. The median over the rounds is the figure; `spread` is
// (max - min) / median of the floor, and above 10 % the line says so: repeat the run then.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace bowerbird::bench {

inline constexpr int kRounds = 7;

using Clock = std::chrono::steady_clock;

inline double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// p in 0..1. Sorts `values`.
inline double Percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(p * static_cast<double>(values.size() - 1) + 0.5)];
}

inline double Median(std::vector<double> values) { return Percentile(values, 0.5); }

inline double Spread(std::vector<double> values) {
  const double median = Percentile(values, 0.5);
  return median == 0 ? 0 : (values.back() - values.front()) / median;
}

// The p50 in microseconds of `calls` runs of `call`.
inline double P50(int calls, const std::function<void()>& call) {
  std::vector<double> times;
  times.reserve(static_cast<size_t>(calls));
  for (int i = 0; i < calls; ++i) {
    const auto start = Clock::now();
    call();
    times.push_back(Microseconds(Clock::now() - start));
  }
  return Percentile(times, 0.5);
}

// One line of JSON on stdout: the figure, its bar, and whether it holds.
inline void Print(const std::string& name, nlohmann::json fields, double figure, double bar,
                  bool smaller_is_better, double floor_spread = 0) {
  fields["bench"] = name;
  fields["figure"] = figure;
  fields["bar"] = bar;
  fields["holds"] = smaller_is_better ? figure <= bar : figure >= bar;
  fields["floor_spread"] = floor_spread;
  if (floor_spread > 0.10) fields["note"] = "the floor spread more than 10 %: repeat the run";
  std::printf("%s\n", fields.dump().c_str());
  std::fflush(stdout);
}

// A file of the public test set, or "" where BOWERBIRD_TEST_DATA is not set.
inline std::string TestData(const std::string& path) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  return root == nullptr ? "" : std::string(root) + "/" + path;
}

}  // namespace bowerbird::bench
