// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_sources.h"

#include <algorithm>

#include "base/status.h"

namespace bowerbird::machine {

absl::Status CheckSourceFilter(const std::vector<std::string>& filter,
                               const std::vector<std::string_view>& sources) {
  for (auto name = filter.begin(); name != filter.end(); ++name) {
    if (std::find(filter.begin(), name, *name) != name)
      return InvalidArgument("duplicate source name in filter: \"" + *name + "\"");
    if (std::find(sources.begin(), sources.end(), *name) != sources.end()) continue;
    std::string allowed;
    for (const auto source : sources) {
      allowed += allowed.empty() ? "" : ", ";
      allowed += '"' + std::string(source) + '"';
    }
    return InvalidArgument("invalid source name: \"" + *name + "\"; this camera has " + allowed);
  }
  return absl::OkStatus();
}

bool IsWanted(const std::vector<std::string>& filter, std::string_view source) {
  return filter.empty() || std::find(filter.begin(), filter.end(), source) != filter.end();
}

}  // namespace bowerbird::machine
