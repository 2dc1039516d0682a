// SPDX-License-Identifier: Apache-2.0
//
// The starter of a module: a folder of sources, written out of templates, that builds, runs and has
// a test (docs/modules.md, "Your own").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bowerbird::app {

struct StarterOptions {
  std::string name;      // of the module, and of the folder
  std::string language;  // one of StarterLanguages()
  std::string api = "rdk:component:sensor";
  std::string model;        // "namespace:family:name"; "" = local:NAME:SUBTYPE
  std::string parent;       // the folder in which NAME is made; "" = the current one
  std::string templates;    // the folder with the templates, modules/starter of the sources
  std::string definitions;  // the folder with the .proto files
};

std::vector<std::string> StarterLanguages();
std::vector<std::string> StarterApis();

// Writes the folder as a whole or not at all; gives its path. ALREADY_EXISTS: something has its
// name. INVALID_ARGUMENT: the name, model, API or language cannot be.
absl::StatusOr<std::string> WriteStarter(const StarterOptions& options);

// The files that the .proto files `names` import from each other, they themselves included, without
// those of protobuf itself. Relative to `folder`, sorted.
absl::StatusOr<std::vector<std::string>> ProtoClosure(const std::string& folder,
                                                      const std::vector<std::string>& names);

}  // namespace bowerbird::app
