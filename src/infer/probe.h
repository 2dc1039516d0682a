// SPDX-License-Identifier: Apache-2.0
//
// Whether a model file may be loaded into this process. The runtime takes much of a file on trust:
// some files make it abort, read memory that is not its own, hang, or ask for all memory there is.
// So a file that is not known yet is loaded and run in a child process first, with limits, by the
// same code and the same options; what comes of it is the verdict, which is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "infer/tensor.h"

namespace bowerbird::infer {

class ModelFacts;
struct Preparation;
struct ServingTrial;

struct ProbeRequest {
  std::string path;
  std::span<const std::byte> bytes;  // of the file, as they will be loaded
  int num_threads = 1;
  bool allow_delegate = true;
  std::string sha256 = "";  // of `bytes`, hexadecimal, where it is known; else it is computed
  // Of TryServing and TryShapes: the form that is served.
  bool in_float = false;
  int rows = 1;                    // of TryServing: calls that one run may serve
  std::vector<Shape> shapes = {};  // of TryShapes: of every input, in the graph's order
};

// How a file may be loaded.
struct Clearance {
  bool allow_delegate = true;  // false: it is safe only without
  std::string warning;         // why; "" if there is nothing to say
};

// Thread-safe.
class ModelProbe {
 public:
  virtual ~ModelProbe() = default;

  // Errors: INVALID_ARGUMENT (the runtime refuses the file, or dies of it), RESOURCE_EXHAUSTED (it
  // takes too long or too much memory): both say at which step and, where that is known, at which
  // operator. CANCELLED or DEADLINE_EXCEEDED by the context; others: the probe itself failed.
  virtual absl::StatusOr<Clearance> Check(const Context& context,
                                          const ProbeRequest& request) const = 0;

  // Which form of a file that has passed is the faster one here (prepare.h), measured where that
  // can do no harm. UNIMPLEMENTED: it cannot measure, the caller may; other errors as above.
  virtual absl::StatusOr<Preparation> ChooseForm(const Context& context,
                                                 const ProbeRequest& request) const;

  // How a file that has passed behaves while it is served (serving_trial.h): likewise. What the
  // child dies of is no error but part of the answer: the service goes on without.
  virtual absl::StatusOr<ServingTrial> TryServing(const Context& context,
                                                  const ProbeRequest& request) const;

  // Whether a file that has passed also runs with inputs of other shapes than it has. OK, or errors
  // as of Check: what one shape comes to says nothing about others. UNIMPLEMENTED: this probe runs
  // nothing.
  virtual absl::Status TryShapes(const Context& context, const ProbeRequest& request) const;

  // Where loads keep what else they find out about a file, and the conditions of it; null: nowhere.
  virtual ModelFacts* facts() const { return nullptr; }
  virtual std::string conditions() const { return ""; }
};

struct ProbeLimits {
  std::chrono::seconds time{60};  // of the clock, and of each processor
  uint64_t memory_bytes = 0;      // that the child may write to; 0 = half of this machine's
};

struct ProcessProbeOptions {
  // What runs RunProbeChild (probe_child.h) with the arguments that are added here.
  std::vector<std::string> command;
  std::string program_version;  // verdicts of another version do not count
  ProbeLimits limits = {};
};

// `facts` keeps the verdicts and must outlive the probe. Loads of the same file wait for one probe.
// Children that measure take turns, also with those of other processes that share the folder of the
// facts; after waiting for `limits.time` twice, UNAVAILABLE.
std::unique_ptr<ModelProbe> MakeProcessProbe(ProcessProbeOptions options, ModelFacts& facts);

}  // namespace bowerbird::infer
