// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a config: parsed without a crash, every fault told with the file's name, and what
// was parsed can be compared, copied and ordered as the machine does it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/status.h"
#include "machine/config.h"
#include "machine/graph_order.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool NamesTheFile(const absl::Status& status) {
  return status.ok() || bowerbird::ToStd(status.message()).starts_with("f.json:");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::machine;
  ConfigOptions options;
  options.file_name = "f.json";
  options.packages_dir = "/packages";
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name.size() > 3) return std::nullopt;
    return "${" + name + "}\"\\";
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = ParseConfig(text, options);
  if (!config.ok()) {
    Require(NamesTheFile(config.status()));
    return 0;
  }
  const auto again = ParseConfig(text, options);
  Require(again.ok() && again->resources.size() == config->resources.size());
  std::vector<ResourceName> names;
  for (size_t i = 0; i < config->resources.size(); ++i) {
    const ResourceConfig& resource = config->resources[i];
    Require(NamesTheFile(resource.problem));
    Require(resource.SameAs(again->resources[i]));
    Require(!resource.problem.ok() || CheckResourceName(resource.name.name).ok());
    if (resource.problem.ok()) names.push_back(resource.name);
  }
  for (const auto& module : config->modules) Require(NamesTheFile(module.problem));
  const NameIndex index(names);
  Edges edges;
  for (const auto& resource : config->resources) {
    if (!resource.problem.ok()) continue;
    auto& needs = edges[resource.name];
    for (const auto& text_of_need : resource.depends_on) {
      if (auto need = index.Resolve(text_of_need); need.ok()) needs.push_back(*need);
    }
  }
  const Order order = OrderByNeed(edges);
  Require(order.sorted.size() + order.cycles.size() + order.behind_cycles.size() == edges.size());
  return 0;
}
