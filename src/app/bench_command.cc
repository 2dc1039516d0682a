// SPDX-License-Identifier: Apache-2.0
#include "app/bench_command.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/measurement.h"
#include "app/model_json.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

// Beyond this the machine was too busy for the figures to mean much.
constexpr double kLargestSpread = 10;

void PrintTable(const BenchOptions& options, const std::vector<VariantResult>& results) {
  std::printf("%s: %d thread%s, %d at a time, %d rounds of %.1f s\n", options.model.c_str(),
              options.threads, options.threads == 1 ? "" : "s", options.instances, options.rounds,
              options.seconds);
  std::printf("%-14s %10s %7s %10s %9s %9s %9s\n", "", "p50 ms", "spread", "p99 ms", "calls/s",
              "load ms", "peak MB");
  bool is_noisy = false;
  for (const VariantResult& result : results) {
    if (!result.error.empty()) {
      std::printf("%-14s %s\n", result.name.c_str(), result.error.c_str());
      continue;
    }
    const Spread p50 = result.Of("p50_ms");
    is_noisy |= p50.percent > kLargestSpread;
    std::printf("%-14s %10.3f %6.1f%% %10.3f %9.1f %9.2f %9.1f\n", result.name.c_str(), p50.median,
                p50.percent, result.Of("p99_ms").median, result.Of("calls_per_second").median,
                result.Of("load_ms").median, result.Of("peak_rss_mb").median);
  }
  std::printf("a call costs %.1f us beyond its own Invoke (p50)\n",
              results[0].Of("overhead_us").median);
  if (is_noisy) std::printf("the rounds differ by more than 10 %%: the machine is busy, repeat\n");
  for (size_t i = 1; i < results.size(); ++i) {
    if (!results[i].error.empty()) continue;
    std::printf("%.2f times as fast as %s\n", PairedRatio(results[i], results[0]),
                results[i].name.c_str());
  }
}

// Nothing where no variant ran beside ours, or none of the answers can be compared.
std::optional<bool> AllAgree(const std::vector<VariantResult>& results) {
  std::optional<bool> all;
  for (size_t i = 1; i < results.size(); ++i) {
    if (!results[i].error.empty()) continue;
    const std::optional<bool> agrees = TopsAgree(results[0].rounds[0], results[i].rounds[0]);
    if (agrees.has_value()) all = all.value_or(true) && *agrees;
  }
  return all;
}

int Bench(const BenchOptions& options, bool json) {
  int exit_status = 0;
  const absl::StatusOr<std::vector<VariantResult>> results = RunBench(options);
  if (!results.ok()) {
    Fail(&exit_status, "bench: " + MessageOf(results.status()));
    return exit_status;
  }
  if (json) {
    for (const VariantResult& result : *results) {
      if (result.error.empty()) continue;  // in the JSON it is only null
      std::fprintf(stderr, "bowerbird: bench: %s: %s\n", result.name.c_str(), result.error.c_str());
    }
    std::printf("%s\n", BenchJson(options, *results).dump().c_str());
    return exit_status;
  }
  PrintTable(options, *results);
  if (options.compare) {
    const std::optional<bool> agree = AllAgree(*results);
    std::printf("top results %s\n", !agree   ? "cannot be compared: nothing stands out in "
                                               "what is detected"
                                    : *agree ? "agree"
                                             : "DIFFER");
  }
  return exit_status;
}

bool IsPrepared(const VariantResult& result) {
  return !result.rounds.empty() && result.rounds.back().contains("report") &&
         result.rounds.back()["report"].value("prepared", false);
}

}  // namespace

Spread SpreadOf(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  const double percent = median > 0 ? (values.back() - values.front()) / median * 100 : 0;
  return {.median = median, .percent = percent};
}

Spread VariantResult::Of(const std::string& key) const {
  std::vector<double> values;
  for (const nlohmann::ordered_json& round : rounds) values.push_back(round[key].get<double>());
  return SpreadOf(std::move(values));
}

double PairedRatio(const VariantResult& slower, const VariantResult& faster) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(slower.rounds.size(), faster.rounds.size()); ++i)
    ratios.push_back(slower.rounds[i]["p50_ms"].get<double>() /
                     faster.rounds[i]["p50_ms"].get<double>());
  return SpreadOf(std::move(ratios)).median;
}

absl::StatusOr<std::vector<VariantResult>> RunBench(const BenchOptions& options) {
  std::vector<VariantResult> results = {{.name = "ours", .rounds = {}, .error = {}}};
  if (options.compare) {
    results.push_back({.name = "plain", .rounds = {}, .error = {}});
    results.push_back({.name = "plain_xnnpack", .rounds = {}, .error = {}});
  }
  for (int round = 0; round < options.rounds; ++round) {
    for (VariantResult& result : results) {
      if (!result.error.empty()) continue;
      absl::StatusOr<nlohmann::ordered_json> measured = Measure({.model = options.model,
                                                                 .labels = {},
                                                                 .variant = result.name,
                                                                 .threads = options.threads,
                                                                 .instances = options.instances,
                                                                 .seconds = options.seconds});
      if (measured.ok()) {
        result.rounds.push_back(*std::move(measured));
      } else if (result.name == "ours") {
        return measured.status();
      } else {
        result.error = MessageOf(measured.status());
      }
    }
  }
  return results;
}

nlohmann::ordered_json BenchJson(const BenchOptions& options,
                                 const std::vector<VariantResult>& results) {
  const bool prepared = std::ranges::any_of(results, IsPrepared);
  nlohmann::ordered_json json = {{"model", options.model}, {"prepared", prepared}};
  for (const VariantResult& result : results) {
    if (!result.error.empty()) {
      json[result.name] = nullptr;  // the bare runtime cannot run it this way
      continue;
    }
    json[result.name] = {{"p50_ms", result.Of("p50_ms").median},
                         {"p99_ms", result.Of("p99_ms").median},
                         {"peak_rss_mb", result.Of("peak_rss_mb").median},
                         {"load_ms", result.Of("load_ms").median},
                         {"p50_spread_percent", result.Of("p50_ms").percent},
                         {"p50_over_ours", PairedRatio(result, results[0])}};
  }
  if (options.compare) {
    const std::optional<bool> agree = AllAgree(results);
    json["top_result_agrees"] = agree ? nlohmann::ordered_json(*agree) : nullptr;
  }
  return json;
}

CLI::App* RegisterBench(CLI::App& app, int* exit_status) {
  RegisterMeasureModel(app, exit_status);
  CLI::App* command = app.add_subcommand("bench", "Latency and memory of a model on this machine");
  const auto options = std::make_shared<BenchOptions>();
  const auto json = std::make_shared<bool>(false);
  command->add_option("model", options->model, "A .tflite file")->required();
  command->add_option("--threads", options->threads, "Threads of each interpreter")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--instances", options->instances, "Interpreters that run at the same time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--rounds", options->rounds, "Rounds, each in a fresh process")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "Timed seconds of a round")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  command->add_flag("--compare", options->compare,
                    "Beside the bare runtime, without and with XNNPACK");
  command->add_flag("--json", *json, "One JSON object instead of a table");
  command->footer(
      "Medians over the rounds. A call of ours takes an instance from the pool, writes the "
      "inputs,\n"
      "runs and reads the outputs; load_ms of ours includes its checks and a trial run.\n\n"
      "Example:\n"
      "  bowerbird bench ssd.tflite --compare --json");
  command->callback([options, json, exit_status] { *exit_status = Bench(*options, *json); });
  return command;
}

}  // namespace bowerbird::app
