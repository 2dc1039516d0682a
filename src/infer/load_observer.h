// SPDX-License-Identifier: Apache-2.0
//
// Is told where the load of a model is. When the process dies of the file, the last thing told is
// where it died.
#pragma once

#include <string_view>

namespace bowerbird::infer {

class LoadObserver {
 public:
  virtual ~LoadObserver() = default;

  // What begins now, to be read after "while it": "lays out the tensors, with xnnpack".
  virtual void Stage(std::string_view stage) = 0;

  // Whether it wants to know of each operator. That puts the runtime's kernels behind ours, and
  // costs time at each of them.
  virtual bool WantsOperators() const { return false; }
  // `operation` is "prepares" or "runs", `name` as "operator 12 (GATHER)".
  virtual void Operator(std::string_view, std::string_view) {}
  // The one that was told last has come back.
  virtual void OperatorDone() {}
};

}  // namespace bowerbird::infer
