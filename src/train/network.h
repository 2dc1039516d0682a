// SPDX-License-Identifier: Apache-2.0
//
// A graph that can be trained: the .tflite graph's own operators, run forwards and backwards. The
// graph stays the one description of the network: new heads are added to it as operators and
// constants before, and what was learned is written into its constants after.
//
// The only implementation lives in libbowerbird_torch.so, which is loaded when it is asked for
// (network_library.h). No type of that library is seen here; what crosses is standard types, values
// of src/tflite and statuses, made by the same compiler.
//
// Tensors are as in the file: float32, batch first, pictures N H W C. The leading extent is 1 in
// the graph and the size of the batch here; every other extent is the graph's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::train {

enum class LossKind {
  // Output 0: logits [N, C]. Targets: probabilities [N, C], each row adds up to 1 (smoothed by the
  // caller if he wants). Cross entropy, mean over pictures.
  kSoftmax,
  // Output 0: logits [N, C]. Targets: 0..1 for each label, < 0 = not known, left out. Binary cross
  // entropy, mean over known elements.
  kSigmoid,
  // Output 0: encoded boxes [N, A, 4] (y, x, height, width; anchors.h). Output 1: logits [N, A, C]
  // without a column for the background. Focal loss on all columns plus smooth L1 on the boxes of
  // matched anchors, both over the number of matched anchors.
  kDetection,
};

struct NetworkOptions {
  LossKind loss = LossKind::kSoftmax;
  // By operator of the main subgraph: its constants learn at this multiple of the step's rate; 0 =
  // they stay. Empty: all operators at 1. Only the constants of CONV_2D, DEPTHWISE_CONV_2D and
  // FULLY_CONNECTED learn.
  std::vector<float> learning_rates = {};
  // By operator: while it learns, the result of this CONV_2D or DEPTHWISE_CONV_2D is normalised
  // over the batch (batch normalisation), which networks that start from random weights want. The
  // first batch sets scale and shift so that nothing changes; exported weights have it folded in.
  // Empty: none. UNIMPLEMENTED: one without weights and bias of its own.
  std::vector<bool> normalized = {};
  double weight_decay = 1e-4;  // decoupled (AdamW), of weights, not of biases
  double clip_norm = 10;       // the norm of all gradients together is cut to it; 0 = never
  double average_decay = 0;    // of the moving average of the weights; 0 = none is kept
  // kDetection.
  double focal_alpha = 0.25;
  double focal_gamma = 2;
  double class_loss_weight = 4;
  double box_loss_weight = 0.5;
  // More than 1 changes the order of sums and with it the last bits of the result.
  int threads = 1;
};

// One batch. Vectors are dense, row by row, in the order of the pictures.
struct Batch {
  int size = 0;
  std::span<const float> input = {};  // [size, H, W, C], as the graph's only input wants it
  // kSoftmax, kSigmoid.
  std::span<const float> class_targets = {};  // [size, C]
  // kDetection.
  std::span<const int32_t> anchor_classes = {};  // [size, A]: column + 1, 0 = none, -1 = ignore
  std::span<const float> anchor_boxes = {};      // [size, A, 4]; read where a class is >= 1
};

struct StepResult {
  double loss = 0;
  double gradient_norm = 0;  // before clipping
  // False: the loss or a gradient was not finite; the weights are as before the step.
  bool applied = true;
};

struct Activations {
  std::vector<int32_t> shape;  // leading extent = size of the batch
  std::vector<float> values;
};

enum class WeightSet { kCurrent, kAveraged };

// Not thread-safe. Same graph, options and batches: same bytes, on one machine with one thread.
class Network {
 public:
  virtual ~Network() = default;

  // The graph's outputs, in its order. `input` is [batch, H, W, C].
  // INVALID_ARGUMENT: the number of values does not fit.
  virtual absl::StatusOr<std::vector<Activations>> Run(std::span<const float> input, int batch,
                                                       WeightSet weights = WeightSet::kCurrent) = 0;

  // Forwards, backwards, one AdamW step at `learning_rate`. INVALID_ARGUMENT: sizes do not fit.
  virtual absl::StatusOr<StepResult> Step(const Batch& batch, double learning_rate) = 0;

  // Writes the weights into the constants of `graph`, which is the graph that the network was made
  // from or a copy of it (indices of tensors are the same). INVALID_ARGUMENT if it is not;
  // FAILED_PRECONDITION: a weight is not finite, named by tensor.
  virtual absl::Status Export(tflite::Graph& graph, WeightSet weights) const = 0;

  // Takes the constants of such a graph, forgets the optimiser's state and the average.
  virtual absl::Status Load(const tflite::Graph& graph) = 0;
};

// Lives as long as the program.
class NetworkEngine {
 public:
  virtual ~NetworkEngine() = default;

  // "libtorch 1.13.1": goes into reports, since bytes depend on it.
  virtual std::string Name() const = 0;

  // `graph` computes in float32, has one subgraph and one input [1, H, W, C] (float_graph.h makes
  // such a graph of a file); it is copied. UNIMPLEMENTED names the first operator that this engine
  // lacks.
  virtual absl::StatusOr<std::unique_ptr<Network>> Create(const tflite::Graph& graph,
                                                          const NetworkOptions& options) = 0;
};

// What the library exports, in C's linkage: NetworkEngine* bowerbird_network_engine_2(). The number
// counts changes of this header.
inline constexpr char kNetworkEngineSymbol[] = "bowerbird_network_engine_2";
using NetworkEngineFunction = NetworkEngine* (*)();

}  // namespace bowerbird::train
