// SPDX-License-Identifier: Apache-2.0
//
// Models and their answers as JSON, for `inspect` and `bench`.
#pragma once

#include <optional>
#include <vector>

#include "infer/tflite_model.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {

nlohmann::ordered_json ToJson(const infer::RuntimeReport& report);
// Labels as their number and the first three.
nlohmann::ordered_json ToJson(const infer::ModelMetadata& metadata);

// Adds "top", for each output its largest elements as [index, value] (at most 16, highest first),
// and "range", for each output the largest minus the smallest. For the outputs of
// TFLite_Detection_PostProcess also "detections": those of the list with a score, whatever it is,
// and "detections_length", of the list.
void AddTops(const std::vector<infer::Tensor>& outputs, nlohmann::ordered_json& json);

// Whether two answers with "top" and "range" mean the same: for each output the largest element of
// the one is the largest of the other too, or within 2 % of the range of it. Detections: the five
// best of the one are in the list of the other too, of the same class, in the same place (IoU 0.5),
// with a score within a fifth of the higher one (at least 0.02, at most 0.1); but for those that so
// small a difference could have pushed off the end of the other's list. Nothing: both have
// detections, but only such.
std::optional<bool> TopsAgree(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

}  // namespace bowerbird::app
