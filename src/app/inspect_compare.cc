// SPDX-License-Identifier: Apache-2.0
#include "app/inspect_compare.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "infer/plain_model.h"
#include "infer/synthetic_input.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

using infer::DType;
using infer::PlainModel;

constexpr char kCommand[] = "compare-models";
constexpr std::chrono::seconds kTimeLimit{60};
constexpr size_t kMaxAnswer = 4096;

// The first and third of three channels change places.
void SwapChannels(const infer::Shape& shape, size_t element, std::span<std::byte> bytes) {
  const bool is_first = shape.size() == 4 && shape[1] == 3 && shape[3] != 3;
  const size_t run =
      is_first ? bytes.size() / 3 / static_cast<size_t>(std::max<int64_t>(1, shape[0])) : element;
  if (run == 0) return;
  for (size_t at = 0; at + 3 * run <= bytes.size(); at += 3 * run) {
    std::swap_ranges(bytes.begin() + static_cast<ptrdiff_t>(at),
                     bytes.begin() + static_cast<ptrdiff_t>(at + run),
                     bytes.begin() + static_cast<ptrdiff_t>(at + 2 * run));
  }
}

// Runs on the pattern; on zeros where that is no valid input.
absl::Status RunOnce(PlainModel& model, bool swap_channels, bool zeros) {
  for (int i = 0; i < model.input_count(); ++i) {
    if (zeros) {
      std::ranges::fill(model.input(i), std::byte{0});
      continue;
    }
    infer::FillWithPattern(model.input_type(i), model.input_shape(i), model.input(i));
    if (swap_channels) {
      SwapChannels(model.input_shape(i), infer::DTypeSize(model.input_type(i)), model.input(i));
    }
  }
  return model.Invoke() ? absl::OkStatus() : Internal("the runtime failed to run the model");
}

// Of outputs of floats or bytes; 1 where others differ at all.
double Difference(DType type, std::span<const std::byte> a, std::span<const std::byte> b) {
  double largest = 0;
  double low = 0;
  double high = 0;
  const auto compare = [&](auto zero) {
    using T = decltype(zero);
    for (size_t at = 0; at + sizeof(T) <= a.size(); at += sizeof(T)) {
      T x{};
      T y{};
      std::memcpy(&x, a.data() + at, sizeof(T));
      std::memcpy(&y, b.data() + at, sizeof(T));
      const double difference = std::abs(static_cast<double>(x) - static_cast<double>(y));
      largest = std::isfinite(difference) ? std::max(largest, difference) : largest;
      low = std::min(low, static_cast<double>(x));
      high = std::max(high, static_cast<double>(x));
    }
  };
  if (type == DType::kFloat32) {
    compare(0.0F);
  } else if (type == DType::kUint8) {
    compare(uint8_t{0});
  } else if (type == DType::kInt8) {
    compare(int8_t{0});
  } else {
    return std::ranges::equal(a, b) ? 0 : 1;
  }
  return high > low ? largest / (high - low) : largest;
}

absl::Status CheckSameEnds(const PlainModel& a, const PlainModel& b) {
  bool same = a.input_count() == b.input_count() && a.output_count() == b.output_count();
  for (int i = 0; same && i < a.input_count(); ++i) {
    same = a.input_type(i) == b.input_type(i) && a.input_shape(i) == b.input_shape(i);
  }
  for (int i = 0; same && i < a.output_count(); ++i) {
    same = a.output_type(i) == b.output_type(i) && a.output_shape(i) == b.output_shape(i);
  }
  return same ? absl::OkStatus()
              : Internal("the repaired model has other inputs or outputs than the original");
}

absl::StatusOr<nlohmann::json> CompareHere(const std::string& original, const std::string& repaired,
                                           bool swap_channels) {
  ASSIGN_OR_RETURN(const std::unique_ptr<PlainModel> after,
                   PlainModel::Load({.model_path = repaired}));
  absl::StatusOr<std::unique_ptr<PlainModel>> before = PlainModel::Load({.model_path = original});
  bool zeros = false;
  if (!RunOnce(*after, false, zeros).ok()) {
    zeros = true;
    RETURN_IF_ERROR(RunOnce(*after, false, zeros));
  }
  if (!before.ok()) return nlohmann::json{{"original_runs", false}};
  RETURN_IF_ERROR(CheckSameEnds(**before, *after));
  RETURN_IF_ERROR(RunOnce(**before, swap_channels, zeros));
  bool is_equal = true;
  double difference = 0;
  for (int i = 0; i < after->output_count(); ++i) {
    const std::span<const std::byte> a = (*before)->output(i);
    const std::span<const std::byte> b = after->output(i);
    if (a.size() != b.size()) return Internal("an output has another size than the original's");
    if (std::ranges::equal(a, b)) continue;
    is_equal = false;
    difference = std::max(difference, Difference(after->output_type(i), a, b));
  }
  return nlohmann::json{
      {"original_runs", true}, {"is_equal", is_equal}, {"difference", difference}};
}

absl::StatusOr<std::string> ReadAll(Subprocess& child, Subprocess::Deadline deadline) {
  std::string answer;
  std::array<char, 1024> buffer{};
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, child.Read(buffer, deadline));
    if (count == 0) return answer;
    answer.append(buffer.data(), count);
    if (answer.size() > kMaxAnswer) return Internal("the comparing process says too much");
  }
}

}  // namespace

void RegisterCompareModels(CLI::App& app, int* exit_status) {
  CLI::App* command = app.add_subcommand(kCommand, "Compare two models for `inspect --fix`");
  command->group("");  // not in the help
  const auto models = std::make_shared<std::vector<std::string>>();
  const auto swap = std::make_shared<bool>(false);
  command->add_option("models", *models)->required()->expected(2);
  command->add_flag("--swap-channels", *swap);
  command->callback([models, swap, exit_status] {
    const absl::StatusOr<nlohmann::json> result = CompareHere((*models)[0], (*models)[1], *swap);
    if (!result.ok()) return Fail(exit_status, MessageOf(result.status()));
    std::printf("%s\n", result->dump().c_str());
  });
}

absl::StatusOr<ModelComparison> CompareModels(const std::string& original,
                                              const std::string& repaired, bool swap_channels) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return ErrnoStatus(error.value(), "read /proc/self/exe");
  Subprocess::Options start;
  start.argv = {self, kCommand};
  if (swap_channels) start.argv.emplace_back("--swap-channels");
  start.argv.insert(start.argv.end(), {"--", original, repaired});
  start.name = "compare";
  const Subprocess::Deadline deadline = std::chrono::steady_clock::now() + kTimeLimit;
  ASSIGN_OR_RETURN(const std::unique_ptr<Subprocess> child, Subprocess::Start(std::move(start)));
  ASSIGN_OR_RETURN(const std::string answer, ReadAll(*child, deadline));
  const std::optional<ExitStatus> end = child->Wait(deadline);
  if (!end || !end->ok()) {
    return FailedPrecondition(
        "the repaired model does not run: " +
        (end ? child->LastStderrLine() + " (" + end->ToString() + ")" : std::string("it hangs")));
  }
  const auto parsed = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return Internal("the comparing process gave no JSON");
  return ModelComparison{.original_runs = parsed.value("original_runs", false),
                         .is_equal = parsed.value("is_equal", false),
                         .difference = parsed.value("difference", 0.0)};
}

}  // namespace bowerbird::app
