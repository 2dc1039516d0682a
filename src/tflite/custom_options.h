// SPDX-License-Identifier: Apache-2.0
//
// The options of custom operators, as the runtime's own operators read them: a FlexBuffers map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bowerbird::tflite {

using CustomOption = std::variant<bool, int64_t, float>;

// The bytes for Operator::custom_options.
std::vector<std::byte> WriteCustomOptions(
    const std::vector<std::pair<std::string, CustomOption>>& options);

}  // namespace bowerbird::tflite
