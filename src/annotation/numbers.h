// SPDX-License-Identifier: Apache-2.0
//
// Numbers as files write them. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bowerbird::annotation {

// A finite number: digits with a point or a decimal comma, white space around it. nullopt for
// anything else: "", "nan", "inf", "1e999", "1,000.5", "12px".
std::optional<double> ParseNumber(std::string_view text);
// The whole of it, no sign, no fraction other than zeros ("500.0" is what some tools write).
std::optional<int64_t> ParseWhole(std::string_view text);

// The shortest text that reads back as the same number; never with a comma.
std::string NumberText(double value);
// The same for pixels: whole where it is within a millionth of a pixel of it.
std::string PixelText(double pixels);

std::string_view Trimmed(std::string_view text);

}  // namespace bowerbird::annotation
