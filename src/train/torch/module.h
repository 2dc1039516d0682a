// SPDX-License-Identifier: Apache-2.0
//
// A graph as kernels and parameters. Private to libbowerbird_torch.so.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "train/torch/kernels.h"
#include "train/torch/normalization.h"

namespace bowerbird::train {

// Constants of the graph that the operators with weights read.
struct Parameter {
  int32_t tensor = -1;         // of the main subgraph; -1: it is of a normalisation
  std::vector<int64_t> order;  // the library's dimension i is the file's order[i]; empty: the same
  float learning_rate = 0;     // a multiple; 0 = it stays
  bool is_weight = false;      // a bias otherwise
  at::Tensor value;            // a leaf, requires a gradient if it learns
};

// By operator of the main subgraph, or empty: see NetworkOptions.
struct OperatorChoices {
  std::span<const float> learning_rates = {};
  const std::vector<bool>& normalized;
};

// May throw the library's exceptions, except where a status is returned.
class Module {
 public:
  static absl::StatusOr<std::unique_ptr<Module>> Create(const tflite::Graph& graph,
                                                        const OperatorChoices& choices);

  std::vector<Parameter>& parameters() { return parameters_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

  // Elements of one picture.
  size_t input_elements() const { return input_elements_; }

  // The graph's outputs in the file's order. `values` stand for the parameters.
  std::vector<at::Tensor> Run(std::span<const float> input, int batch,
                              std::vector<at::Tensor> values) const;

  // The same of the parameters themselves, on the way to a gradient: normalised over the batch
  // where that was chosen. KeepBatch: the step was taken.
  std::vector<at::Tensor> RunToLearn(std::span<const float> input, int batch);
  void KeepBatch();

  // The values of `values` as the constants of `graph`, and back.
  absl::Status Export(tflite::Graph& graph, std::vector<at::Tensor> values) const;
  absl::Status Load(const tflite::Graph& graph);

 private:
  struct Operation {
    Kernel kernel;
    std::vector<int32_t> inputs;  // places
    int32_t output = 0;
    std::vector<int32_t> last_uses;  // places that nothing reads after this
    // Of one that is normalised while it learns: without bias and activation.
    Kernel bare = {};
    int64_t activation = 0;
    int normalization = -1;
  };

  absl::Status AddOperator(const tflite::Graph& graph, size_t index, float learning_rate);
  absl::Status Normalize(const OperatorSource& source, Operation& operation, float learning_rate);
  size_t ParameterAt(int32_t place) const;
  std::vector<at::Tensor> PlacesOf(std::span<const float> input, int batch,
                                   const std::vector<at::Tensor>& values) const;
  std::vector<at::Tensor> OutputsOf(const std::vector<at::Tensor>& places) const;
  // The place of a tensor as the operator's input `input`; constants and parameters are made.
  absl::StatusOr<int32_t> PlaceOf(const OperatorSource& source, size_t input, float learning_rate);
  absl::StatusOr<int32_t> AddParameter(const OperatorSource& source, size_t input,
                                       std::vector<int64_t> order, float learning_rate);
  void FindLastUses();

  // Places: one for each tensor of the graph, then those of parameters. What a run starts from:
  // constants are there, the rest is undefined.
  std::vector<at::Tensor> places_;
  std::vector<Operation> operations_;
  std::vector<Parameter> parameters_;
  std::vector<int32_t> parameter_places_;
  std::vector<Normalization> normalizations_;
  int32_t input_ = 0;
  std::vector<int32_t> outputs_;
  std::vector<int64_t> input_shape_;
  size_t input_elements_ = 0;
};

}  // namespace bowerbird::train
