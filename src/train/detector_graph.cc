// SPDX-License-Identifier: Apache-2.0
#include "train/detector_graph.h"

#include <algorithm>
#include <cstring>

#include "base/status.h"
#include "tflite/edit.h"
#include "tflite/shapes.h"
#include "train/constants.h"
#include "train/random.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Subgraph;

// A logit of -4.6 is a probability of one in a hundred: with most anchors empty, that is where
// training would go first.
constexpr float kRareLogit = -4.6F;
constexpr double kWeightDeviation = 0.01;

std::vector<std::byte> BytesOf(const void* first, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(first);
  return {bytes, bytes + size};
}

// The class heads of a graph, one convolution at a time.
class HeadRebuilder {
 public:
  HeadRebuilder(tflite::Graph& graph, int old_columns, std::span<const int> columns, Random& random)
      : graph_(graph),
        main_(graph.subgraphs[0]),
        old_(old_columns),
        columns_(columns),
        random_(random) {}

  // From the logits back to the convolutions that make them.
  absl::Status Rebuild(int32_t tensor) {
    const tflite::Links links(main_);
    std::vector<int32_t> open{tensor};
    while (!open.empty()) {
      const int32_t one = open.back();
      open.pop_back();
      const int32_t producer = links.Producer(one);
      if (producer < 0) return NotADetector();
      const auto index = static_cast<size_t>(producer);
      const std::string name = graph_.operator_codes[main_.operators[index].code].Name();
      if (name == "CONV_2D") {
        RETURN_IF_ERROR(ReplaceWeights(index));
      } else if (name == "RESHAPE" || name == "CONCATENATION" || name == "SQUEEZE") {
        RETURN_IF_ERROR(Follow(index, name));
        const std::vector<int32_t>& inputs = main_.operators[index].inputs;
        if (name == "CONCATENATION") {
          open.insert(open.end(), inputs.begin(), inputs.end());
        } else {
          open.push_back(inputs[0]);
        }
      } else {
        return NotADetector();
      }
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status NotADetector() {
    return FailedPrecondition(
        "the class scores do not come from convolutions by way of RESHAPE and CONCATENATION");
  }

  int count() const { return static_cast<int>(columns_.size()); }

  tflite::Tensor& At(int32_t index) { return main_.tensors[static_cast<size_t>(index)]; }

  // Rows of the old head that begin the new one, K boxes a cell.
  absl::Status ReplaceWeights(size_t index) {
    Operator op = main_.operators[index];
    const tflite::Tensor weights = At(op.inputs[1]);
    if (op.inputs.size() < 3 || weights.shape.size() != 4 || weights.shape[0] % old_ != 0)
      return NotADetector();
    const int boxes = weights.shape[0] / old_;
    const size_t row = static_cast<size_t>(weights.shape[1]) *
                       static_cast<size_t>(weights.shape[2]) *
                       static_cast<size_t>(weights.shape[3]);
    const std::vector<float> old_weights = FloatsOf(graph_, weights);
    const std::vector<float> old_bias = FloatsOf(graph_, At(op.inputs[2]));
    std::vector<float> new_weights, new_bias;
    for (int box = 0; box < boxes; ++box) {
      for (const int column : columns_) {
        const bool known = column >= 0 && column < old_;
        const size_t from = static_cast<size_t>(box) * static_cast<size_t>(old_) +
                            static_cast<size_t>(known ? column : 0);
        new_bias.push_back(known ? old_bias[from] : kRareLogit);
        for (size_t i = 0; i < row; ++i) {
          const double noise = random_.Normal(kWeightDeviation);
          new_weights.push_back(known ? old_weights[from * row + i] : static_cast<float>(noise));
        }
      }
    }
    tflite::Tensor weight_tensor = weights;
    tflite::Tensor bias_tensor = At(op.inputs[2]);
    weight_tensor.shape[0] = bias_tensor.shape[0] = boxes * count();
    op.inputs[1] =
        tflite::AddConstant(graph_, 0, std::move(weight_tensor),
                            BytesOf(new_weights.data(), new_weights.size() * sizeof(float)));
    op.inputs[2] = tflite::AddConstant(graph_, 0, std::move(bias_tensor),
                                       BytesOf(new_bias.data(), new_bias.size() * sizeof(float)));
    At(op.outputs[0]).shape[3] = boxes * count();
    main_.operators[index] = std::move(op);
    return absl::OkStatus();
  }

  // The last extent of what the operator gives is the number of classes.
  absl::Status Follow(size_t index, const std::string& name) {
    Operator op = main_.operators[index];
    std::vector<int32_t> shape = At(op.outputs[0]).shape;
    if (shape.empty() || shape.back() != old_) return NotADetector();
    shape.back() = count();
    if (name == "RESHAPE" && op.inputs.size() > 1) {
      const tflite::Tensor target = At(op.inputs[1]);
      op.inputs[1] = tflite::AddConstant(graph_, 0, target,
                                         BytesOf(shape.data(), shape.size() * sizeof(int32_t)));
    }
    if (name == "RESHAPE" && !op.options.empty())
      RETURN_IF_ERROR(
          op.options.Set("new_shape", std::vector<int64_t>(shape.begin(), shape.end())));
    At(op.outputs[0]).shape = shape;
    main_.operators[index] = std::move(op);
    return absl::OkStatus();
  }

  tflite::Graph& graph_;
  Subgraph& main_;
  const int old_;
  const std::span<const int> columns_;
  Random& random_;
};

size_t FirstHead(const tflite::Graph& graph, int32_t boxes) {
  // Heads are convolutions whose result only shapes and the concatenation read.
  const Subgraph& main = graph.subgraphs[0];
  const tflite::Links links(main);
  size_t first = main.operators.size();
  std::vector<int32_t> open{boxes};
  while (!open.empty()) {
    const int32_t producer = links.Producer(open.back());
    open.pop_back();
    if (producer < 0) continue;
    const Operator& op = main.operators[static_cast<size_t>(producer)];
    if (graph.operator_codes[op.code].Name() == "CONV_2D") {
      first = std::min(first, static_cast<size_t>(producer));
    } else if (!op.inputs.empty()) {
      const bool joins = graph.operator_codes[op.code].Name() == "CONCATENATION";
      open.insert(open.end(), op.inputs.begin(), joins ? op.inputs.end() : op.inputs.begin() + 1);
    }
  }
  return first;
}

}  // namespace

absl::StatusOr<DetectorEnds> FindDetectorEnds(const FloatGraph& base) {
  const Subgraph& main = base.main();
  const tflite::Links links(main);
  DetectorEnds ends;
  for (const int32_t output : main.outputs) {
    const std::vector<int32_t>& shape = main.tensors[static_cast<size_t>(output)].shape;
    if (shape.size() < 3) continue;
    if (shape.back() == 4 && ends.boxes < 0) {
      ends.boxes = output;
      continue;
    }
    const int32_t producer = links.Producer(output);
    if (producer < 0) continue;
    const Operator& op = main.operators[static_cast<size_t>(producer)];
    const bool is_score = base.graph.operator_codes[op.code].Name() == "LOGISTIC";
    ends.logits = is_score ? op.inputs[0] : output;
  }
  if (ends.boxes < 0 || ends.logits < 0)
    return FailedPrecondition(
        "the base model has no outputs of boxes [1, A, 4] and of scores "
        "[1, A, C]: it is no single-shot detector");
  const int64_t anchors = main.tensors[static_cast<size_t>(ends.boxes)].shape[1];
  if (main.tensors[static_cast<size_t>(ends.logits)].shape[1] != anchors ||
      !vision::FindAnchorLayout(base.input_size(), anchors).has_value())
    return FailedPrecondition("the base model's " + std::to_string(anchors) +
                              " anchors are none of the usual layouts");
  return ends;
}

absl::StatusOr<DetectorGraph> RebuildDetector(FloatGraph base, std::span<const int> columns,
                                              uint64_t seed) {
  if (columns.empty()) return InvalidArgument("a detector of no labels");
  ASSIGN_OR_RETURN(const DetectorEnds ends, FindDetectorEnds(base));
  const std::vector<int32_t> outputs{ends.boxes, ends.logits};
  RETURN_IF_ERROR(CutAt(base, outputs));
  Subgraph& main = base.graph.subgraphs[0];
  const int32_t logits = main.outputs[1];
  const int32_t boxes = main.outputs[0];
  Random random(seed);
  RETURN_IF_ERROR(HeadRebuilder(base.graph, main.tensors[static_cast<size_t>(logits)].shape.back(),
                                columns, random)
                      .Rebuild(logits));
  // What the old heads were made of goes.
  RETURN_IF_ERROR(CutAt(base, std::vector<int32_t>{boxes, logits}));
  DetectorGraph detector;
  const int64_t anchors = base.main().tensors[static_cast<size_t>(base.main().outputs[0])].shape[1];
  detector.anchors = vision::GenerateAnchors(base.input_size(),
                                             *vision::FindAnchorLayout(base.input_size(), anchors));
  detector.labels = static_cast<int>(columns.size());
  detector.first_new_operator = FirstHead(base.graph, base.main().outputs[0]);
  detector.base = std::move(base);
  return detector;
}

size_t FirstSmallMap(const FloatGraph& base, int stride) {
  const int32_t most = (base.input_size().height + stride - 1) / stride;
  const Subgraph& main = base.main();
  for (size_t i = 0; i < main.operators.size(); ++i) {
    const std::vector<int32_t>& shape =
        main.tensors[static_cast<size_t>(main.operators[i].outputs[0])].shape;
    if (shape.size() == 4 && shape[1] <= most) return i;
  }
  return main.operators.size();
}

std::vector<float> RatesFrom(const tflite::Graph& graph, size_t first_trained) {
  std::vector<float> rates(graph.subgraphs[0].operators.size(), 1);
  std::fill_n(rates.begin(), std::min(first_trained, rates.size()), 0.0F);
  return rates;
}

}  // namespace bowerbird::train
