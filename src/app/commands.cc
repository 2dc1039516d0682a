// SPDX-License-Identifier: Apache-2.0
#include "app/commands.h"

#include <cstdio>
#include <cstdlib>

namespace bowerbird::app {

void Fail(int* exit_status, std::string_view message) {
  std::fprintf(stderr, "bowerbird: %.*s\n", static_cast<int>(message.size()), message.data());
  *exit_status = 1;
}

std::string DefaultDataDir() {
  if (const char* home = std::getenv("BOWERBIRD_HOME"); home != nullptr && *home != '\0')
    return home;
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.bowerbird";
}

}  // namespace bowerbird::app
