// SPDX-License-Identifier: Apache-2.0
//
// The parent's side of one probe: starts the child, follows what it tells, says how it ended.
// Private to this room.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "base/subprocess.h"
#include "infer/probe.h"
#include "infer/probe_child.h"

namespace bowerbird::infer {

// The state of a child by the lines it has told so far (probe_child.h has the format). Whatever a
// child writes, this holds a few hundred bytes of it.
class ProbeTale {
 public:
  void Add(std::string_view bytes);

  const std::string& stage() const { return stage_; }         // "" before the first
  const std::string& operation() const { return operator_; }  // "runs operator 3 (ADD)", or ""
  bool out_of_memory() const { return out_of_memory_; }
  const std::string& preparation() const { return preparation_; }  // JSON, "" if not told
  const std::string& serving() const { return serving_; }          // JSON, the last one told
  bool answered() const { return answered_; }
  const absl::Status& answer() const { return answer_; }

 private:
  void Line(std::string_view line);
  void Answer(std::string_view text);

  std::string line_;  // begun, not ended
  bool is_too_long_ = false;
  std::string stage_, operator_, preparation_, serving_;
  bool out_of_memory_ = false;
  bool answered_ = false;
  absl::Status answer_;
};

struct ProbeEnd {
  enum class How { kAnswered, kCrashed, kTooSlow, kOutOfMemory };
  How how = How::kAnswered;
  ExitStatus exit;
  ProbeTale tale;
};

// Errors: the child could not be started, or `context` ended first.
absl::StatusOr<ProbeEnd> RunProbe(const Context& context, const ProcessProbeOptions& options,
                                  const ProbeChildOptions& child);

}  // namespace bowerbird::infer
