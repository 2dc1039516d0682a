// SPDX-License-Identifier: Apache-2.0
//
// What a model weighs while it is served, and how much of what is wanted there is room for under
// TfliteOptions::max_memory_bytes. Private to this room.
//
// Counted are the file that the runtime reads (its pages are in memory while an instance is made,
// and always where no delegate packs the weights), every instance with its packed weights and
// tensors, and the second copy of each that serves runs of several rows. Not counted is what
// callers add who give an input another shape than the file has.
#pragma once

#include <cstdint>
#include <string>

#include "infer/tflite_model.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

// In bytes, of resident memory.
struct MemoryNeed {
  uint64_t first = 0;    // of one instance and all that there is once; 0: not known
  uint64_t another = 0;  // of each further instance
  uint64_t rows = 0;     // more for each instance that also runs several rows

  uint64_t Of(int instances, bool with_rows) const;
};

// From the graph alone, where nothing was measured. `file_bytes`: of what the runtime reads.
MemoryNeed EstimateNeed(const tflite::Graph& graph, uint64_t file_bytes, bool delegated, int rows);

// options.instances, or one for each core.
int WantedInstances(const TfliteOptions& options);

struct MemoryPlan {
  int instances = 1;
  bool with_rows = false;
};

// Within `limit` (0: none): runs of several rows are left out first, as they only help where calls
// wait; then instances, of which one stays.
MemoryPlan PlanMemory(const MemoryNeed& need, uint64_t limit, int wanted, bool wants_rows);

// For messages: 10^6 bytes, rounded up.
std::string Megabytes(uint64_t bytes);

// Memory of this process that no file backs, after what the heap has free was given back.
uint64_t AnonymousBytes();

}  // namespace bowerbird::infer
