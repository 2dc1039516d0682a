// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace bowerbird {

// RFC 4648, with padding, in one line.
std::string Base64Of(std::string_view bytes);

}  // namespace bowerbird
