// SPDX-License-Identifier: Apache-2.0
//
// TensorFlow Lite files behind the Model interface: one mapped file, a pool of interpreters over
// it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "infer/model.h"

namespace bowerbird::infer {

class LoadObserver;
class ModelProbe;

struct TfliteOptions {
  std::string model_path = {};
  std::string label_path = {};  // overrides labels packed in the file
  int num_threads = 1;          // per instance; more than 1 only pays on an otherwise idle machine
  int instances = 0;     // largest pool; 0 = one per core. Grown on demand, one is made at load
  int max_waiting = 64;  // callers queued beyond the instances; more are refused
  bool allow_delegate = true;  // false: plain interpreter, for comparison
  const ModelProbe* probe = nullptr;  // asked before this process loads the file; null = trust it
  LoadObserver* observer = nullptr;   // of this load, on its thread; may be null
  Context context = {};               // of this load: ends the wait for the probe
};

// What runs where, for `inspect` and logs.
struct RuntimeReport {
  std::string runtime_version;        // "2.9.0"
  std::string delegate;               // "xnnpack qs8", "xnnpack", "none"
  int delegated_operators = 0;        // that the delegate runs
  int operators = 0;                  // of the graph
  std::vector<std::string> warnings;  // e.g. why a better delegate was refused
  double load_ms = 0;
};

// Of the pool, for gauges.
struct InstanceCounts {
  int existing = 0;
  int limit = 0;
  int idle = 0;
  int waiting = 0;  // callers in the queue
};

class TfliteModel : public Model {
 public:
  // Maps the file, verifies it, reads its metadata, builds one interpreter by the ladder
  // XNNPACK with signed int8 kernels -> XNNPACK -> no delegate, and runs it once on zeros.
  // Errors: NOT_FOUND (no such file), INVALID_ARGUMENT (not a TFLite file, damaged, an operator
  // that the runtime does not know: named with its version).
  static absl::StatusOr<std::unique_ptr<TfliteModel>> Load(const TfliteOptions& options);

  virtual const RuntimeReport& report() const = 0;
  virtual InstanceCounts instances() const = 0;
};

}  // namespace bowerbird::infer
