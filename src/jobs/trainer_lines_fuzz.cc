// SPDX-License-Identifier: Apache-2.0
//
// What a trainer writes, in pieces of any size: the same is heard however the pipe cuts it, in
// UTF-8 without NUL. The first byte is the size of the pieces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "jobs/trainer_lines.h"

namespace bowerbird::jobs {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireClean(std::string_view text) {
  Require(IsUtf8(text) && text.size() <= kMaxTrainerText);
  Require(text.find('\0') == std::string_view::npos);
}

class Heard : public TrainerListener {
 public:
  void Log(std::string_view level, std::string_view message) override {
    RequireClean(message);
    Require(!message.empty() || level == "warn");
    all.append(level).append(" ").append(message).append("\n");
  }
  void Progress(Point point) override {
    RequireClean(point.phase);
    all += point.phase + " " + std::to_string(point.step) + "/" + std::to_string(point.steps);
    for (const auto& number : {point.loss, point.score, point.seconds_left})
      all += number.has_value() ? " " + std::to_string(*number) : " -";
    all += "\n";
  }
  void Tick() override {}

  std::string all;
};

template <typename Lines>
std::string HeardOf(std::string_view text, size_t piece) {
  Heard heard;
  Lines lines(heard);
  for (size_t at = 0; at < text.size(); at += piece) lines.Take(text.substr(at, piece));
  if constexpr (requires { lines.Finish(); }) {
    lines.Finish();
    RequireClean(lines.failure());
    heard.all += lines.failure();
  }
  return heard.all;
}

}  // namespace
}  // namespace bowerbird::jobs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::jobs;  // NOLINT(google-build-using-namespace): a file of one function
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t piece = size_t{data[0]} + 1;
  Require(HeardOf<ProgressLines>(text, piece) == HeardOf<ProgressLines>(text, size));
  Require(HeardOf<ErrorLines>(text, piece) == HeardOf<ErrorLines>(text, size));
  return 0;
}
