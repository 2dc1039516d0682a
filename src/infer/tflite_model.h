// SPDX-License-Identifier: Apache-2.0
//
// TensorFlow Lite files behind the Model interface: one mapped file, a pool of interpreters over
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "infer/model.h"
#include "infer/serving.h"

namespace bowerbird::infer {

class LoadObserver;
class ModelProbe;
class PoolSweeper;

// Whether a file may be run in another form than it has (docs/inference.md). Callers see the same
// types, shapes and names.
enum class Prepare {
  kNone,  // as it is
  // Operators that the runtime lacks are replaced; with a probe that keeps facts, the form that is
  // measured to be faster here is taken.
  kAuto
};

struct TfliteOptions {
  std::string model_path = {};
  std::string label_path = {};  // overrides labels packed in the file
  int num_threads = 1;          // per instance; more than 1 only pays on an otherwise idle machine
  int instances = 0;     // largest pool; 0 = one per core. Grown on demand, one is made at load
  int max_waiting = 64;  // callers queued beyond the instances; more are refused
  bool allow_delegate = true;  // false: plain interpreter, for comparison
  // Asked before this process loads the file, or runs it with a new shape; null = trust it. Must
  // outlive the model.
  const ModelProbe* probe = nullptr;
  LoadObserver* observer = nullptr;  // of this load, on its thread; may be null
  Context context = {};              // of this load: ends the wait for the probe
  Prepare prepare = Prepare::kAuto;
  // What the model may weigh: constants, packed weights and tensors of all instances, as measured
  // by the probe, else estimated. Above it calls are not run together, then instances are left out,
  // then another form than the file's is not taken; one instance stays. 0 = no limit.
  uint64_t max_memory_bytes = 0;

  // Calls that wait for an instance are run together where that is measured to be faster: so many
  // at most; 1 = never. A run that could be larger is held back for `batch_delay`, < 0 = half the
  // time of a call, at most 2 ms.
  int batch_rows = 1;
  std::chrono::nanoseconds batch_delay{-1};
  // The processor time of the calling thread, by which that is measured where it is done in this
  // process (without a probe that measures); empty = the system's.
  std::function<std::chrono::nanoseconds()> processor_time = {};
  // Instances beyond the first that are idle for so long are taken down. 0, or no sweeper: never.
  std::chrono::nanoseconds idle_period = std::chrono::seconds(60);
  // Shared: a call may hold its model for longer than whoever made the sweeper lives.
  std::shared_ptr<PoolSweeper> sweeper = nullptr;
  ServingMetrics metrics = {};
};

// What runs where, for `inspect` and logs.
struct RuntimeReport {
  std::string runtime_version;        // "2.9.0"
  std::string delegate;               // "xnnpack qs8", "xnnpack", "none"
  int delegated_operators = 0;        // that the delegate runs
  int operators = 0;                  // of the graph
  std::vector<std::string> warnings;  // e.g. why a better delegate was refused
  double load_ms = 0;
  std::string preparation;  // which form is run, and why: "as given: 1.2 ms in float32, ..."
  bool prepared = false;    // not as the file has it
  std::string batching;     // whether calls are run together, and why (not)
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
