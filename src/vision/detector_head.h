// SPDX-License-Identifier: Apache-2.0
//
// The detection head of a model: found once from a probe run, then used for every picture.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/model.h"
#include "vision/candidate.h"
#include "vision/model_finder.h"
#include "vision/output_roles.h"
#include "vision/ssd_head.h"
#include "vision/yolo_layout.h"

namespace bowerbird::vision {

// Immutable, so thread-safe.
class DetectorHead {
 public:
  // Output `index` of the run to be decoded, with the values' lifetime bound to the run.
  using OutputReader = std::function<absl::StatusOr<OutputSample>(int index)>;

  // Decides by `options`, the outputs of a probe run on an input of size `input`, and the labels.
  // FAILED_PRECONDITION with the reason when the outputs are no detection head.
  static absl::StatusOr<DetectorHead> Recognize(std::span<const OutputSample> outputs,
                                                const ModelFinderOptions& options,
                                                image::Size input,
                                                const std::vector<std::string>& labels);

  // Candidates of at least `minimum_score`.
  absl::StatusOr<std::vector<Candidate>> Decode(const OutputReader& output, image::Size input,
                                                double minimum_score) const;

  Decoder decoder() const { return decoder_; }
  // Whether the outputs may hold several boxes of one object.
  bool needs_suppression() const { return needs_suppression_; }
  // Raw YOLOX grid: a family with its own input convention.
  bool is_yolox() const;
  std::string Describe() const { return description_; }

 private:
  struct Ssd {
    SsdLayout layout;
    std::vector<Anchor> anchors;
  };

  absl::Status SetUpYolo(std::span<const OutputSample> outputs, image::Size input, int label_count,
                         bool forced);
  absl::Status SetUpBoxes(std::span<const OutputSample> outputs, const ModelFinderOptions& options,
                          image::Size input, const std::vector<std::string>& labels);
  absl::Status SetUpSsd(std::span<const OutputSample> outputs, image::Size input,
                        const std::vector<std::string>& labels);
  void DescribeBoxes(std::span<const OutputSample> outputs);

  Decoder decoder_ = Decoder::kPostprocess;
  bool needs_suppression_ = false;
  DetectionRoles roles_;
  BoxOrder order_ = kDefaultBoxOrder;
  Ssd ssd_;
  int candidates_output_ = -1;
  YoloPlan yolo_;
  std::string description_;
};

}  // namespace bowerbird::vision
