// SPDX-License-Identifier: Apache-2.0
//
// What a trainer writes, piece by piece as it comes through a pipe: lines of JSON on stdout
// (docs/formats/trainer.md), a log on stderr. Lines that are longer than kMaxTrainerLine are cut.
// What the listener hears is UTF-8 without NUL, at most kMaxTrainerText bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "jobs/job.h"

namespace bowerbird::jobs {

inline constexpr size_t kMaxTrainerLine = size_t{16} << 10;
inline constexpr size_t kMaxTrainerText = 4096;

// What the trainer says. Called on the thread that runs it, except Log, which is thread-safe.
class TrainerListener {
 public:
  virtual ~TrainerListener() = default;
  virtual void Log(std::string_view level, std::string_view message) = 0;
  virtual void Progress(Point point) = 0;  // number and time are the listener's
  // At least twice a second: for writing down what was said.
  virtual void Tick() = 0;
};

// Not thread-safe.
class ProgressLines {
 public:
  explicit ProgressLines(TrainerListener& listener) : listener_(listener) {}

  void Take(std::string_view bytes);
  // What came after the last end of a line.
  void Finish();

  // Of the last line that told of an error; "" = none did.
  const std::string& failure() const { return failure_; }

 private:
  void TakeLine(std::string_view line);

  TrainerListener& listener_;
  std::string line_, phase_, failure_;
};

// Not thread-safe.
class ErrorLines {
 public:
  explicit ErrorLines(TrainerListener& listener) : listener_(listener) {}

  void Take(std::string_view bytes);

 private:
  TrainerListener& listener_;
  std::string rest_;
};

}  // namespace bowerbird::jobs
