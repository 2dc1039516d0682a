// SPDX-License-Identifier: Apache-2.0
//
// One entry of "components" or "services", in any of its spellings.
#pragma once

#include <string>

#include "machine/config.h"
#include "nlohmann/json.hpp"

namespace bowerbird::machine {

enum class Section { kComponents, kServices };

// `path`: "components[2]". What is wrong ends up in the result's `problem`; its name is then as
// much of a name as can be read.
ResourceConfig ParseResource(const nlohmann::json& entry, Section section, const std::string& path);

}  // namespace bowerbird::machine
