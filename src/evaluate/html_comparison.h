// SPDX-License-Identifier: Apache-2.0
//
// Two models on the same pictures as one page, such as one in float and the same one in int8.
#pragma once

#include <string>

#include "evaluate/html_report.h"
#include "nlohmann/json.hpp"

namespace bowerbird::evaluate {

// UTF-8. `comparison` holds the reports `model` and `other`, `difference` (numbers of the other
// less those of the model, `per_class` beneath) and `agreement`, a share from 0 to 1.
std::string HtmlComparison(const nlohmann::ordered_json& comparison, const HtmlDetails& model,
                           const HtmlDetails& other);

}  // namespace bowerbird::evaluate
