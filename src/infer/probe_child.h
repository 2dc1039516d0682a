// SPDX-License-Identifier: Apache-2.0
//
// The child's side of a probe: loads one model file and runs it, telling on a pipe how far it is.
// What it writes, one line each, read by probe_run.h; other lines do not count:
//   @stage TEXT        what begins
//   @operator TEXT     an operator begins;  @done: it has come back (when they are traced)
//   @memory            there is no more memory; the end follows
//   @preparation JSON  the form to run, if that was asked for (prepare.h)
//   @serving JSON      how it is served, if that was asked for (serving_trial.h); the last one
//   counts
//   @answer CODE TEXT  the status of the load, an absl::StatusCode and its message as JSON string
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "infer/tensor.h"

namespace bowerbird::infer {

struct ProbeChildOptions {
  std::string path;
  std::string sha256;  // of what the parent has seen; anything else is not judged
  int num_threads = 1;
  bool allow_delegate = true;
  bool trace = false;        // name operators
  bool choose_form = false;  // instead: which form is faster
  bool try_serving = false;  // instead: memory, and runs of `rows` calls, of the form `in_float`
  std::vector<Shape> shapes =
      {};  // instead, if any: runs on inputs of these, of the form `in_float`
  bool in_float = false;
  int rows = 1;
};

// The arguments by which the child is told them, and back. Unknown arguments are ignored.
std::vector<std::string> ToArguments(const ProbeChildOptions& options);
ProbeChildOptions FromArguments(const std::vector<std::string>& arguments);

// In a process that does nothing else: moves standard output out of the libraries' way, asks the
// kernel to end this process first when memory runs out, and dumps no core. The exit status.
int RunProbeChild(const ProbeChildOptions& options);

}  // namespace bowerbird::infer
