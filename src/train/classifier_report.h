// SPDX-License-Identifier: Apache-2.0
//
// What a report says of a classifier's scores: the keys of `bowerbird evaluate --json`, and the
// confusion matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/classification.h"
#include "nlohmann/json.hpp"

namespace bowerbird::train {

// No figures where there are no pictures.
nlohmann::ordered_json ClassifierScores(const evaluate::ScoredPictures& scored,
                                        std::span<const std::vector<uint32_t>> truth,
                                        bool independent);

}  // namespace bowerbird::train
