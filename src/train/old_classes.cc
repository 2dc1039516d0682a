// SPDX-License-Identifier: Apache-2.0
#include "train/old_classes.h"

#include <algorithm>

#include "base/status.h"
#include "train/anchors.h"
#include "train/detect.h"

namespace bowerbird::train {
namespace {

constexpr size_t kMostPictures = 40;

// Sums of logits, by label (the last row: anchors on nothing) and column.
struct Levels {
  std::vector<std::vector<double>> sums;
  std::vector<double> counts;

  double Mean(size_t row, size_t column) const { return sums[row][column] / counts[row]; }
};

void Add(Levels& levels, std::span<const int32_t> classes, std::span<const float> logits) {
  const size_t columns = levels.sums[0].size();
  for (size_t a = 0; a < classes.size(); ++a) {
    if (classes[a] < 0) continue;
    const size_t row =
        classes[a] == 0 ? levels.sums.size() - 1 : static_cast<size_t>(classes[a] - 1);
    for (size_t c = 0; c < columns; ++c)
      levels.sums[row][c] += static_cast<double>(logits[a * columns + c]);
    ++levels.counts[row];
  }
}

}  // namespace

absl::StatusOr<std::vector<int>> SimilarOldClasses(NetworkEngine& engine, const FloatGraph& base,
                                                   const std::vector<DetectionSample>& samples,
                                                   int labels) {
  FloatGraph scorer = base;
  ASSIGN_OR_RETURN(const DetectorEnds ends, FindDetectorEnds(scorer));
  RETURN_IF_ERROR(CutAt(scorer, std::vector<int32_t>{ends.logits}));
  ASSIGN_OR_RETURN(const std::unique_ptr<Network> network, engine.Create(scorer.graph, {}));
  const image::Size size = scorer.input_size();
  const std::vector<int32_t>& shape =
      scorer.main().tensors[static_cast<size_t>(scorer.main().outputs[0])].shape;
  const std::vector<vision::Anchor> anchors =
      vision::GenerateAnchors(size, *vision::FindAnchorLayout(size, shape[1]));
  const auto rows = static_cast<size_t>(labels) + 1;
  const auto columns = static_cast<size_t>(shape.back());
  Levels levels{.sums = std::vector(rows, std::vector<double>(columns)),
                .counts = std::vector<double>(rows)};
  std::vector<float> input(static_cast<size_t>(size.width) * static_cast<size_t>(size.height) * 3);
  std::vector<int32_t> classes(anchors.size());
  std::vector<float> codes(anchors.size() * 4);
  const size_t step = std::max<size_t>(1, samples.size() / kMostPictures);
  for (size_t i = 0; i < samples.size(); i += step) {
    FillInput(samples[i].picture, {}, size, scorer.scaling, input);
    ASSIGN_OR_RETURN(const std::vector<Activations> outputs, network->Run(input, 1));
    MatchAnchors(anchors, samples[i].boxes, {}, classes, codes);
    Add(levels, classes, outputs[0].values);
  }
  std::vector<int> similar(static_cast<size_t>(labels), -1);
  for (size_t label = 0; label < similar.size(); ++label) {
    if (levels.counts[label] == 0 || levels.counts.back() == 0) continue;
    double most = -1e30;
    // A column for the background, where there is one, falls on boxes.
    for (size_t c = 0; c < columns; ++c) {
      const double rise = levels.Mean(label, c) - levels.Mean(rows - 1, c);
      if (rise <= most) continue;
      most = rise;
      similar[label] = static_cast<int>(c);
    }
  }
  return similar;
}

}  // namespace bowerbird::train
