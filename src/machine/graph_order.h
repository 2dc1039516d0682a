// SPDX-License-Identifier: Apache-2.0
//
// Who needs whom: names resolved, an order in which everything comes after what it needs, cycles
// named. Pure functions; the same input always gives the same order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/name.h"

namespace bowerbird::machine {

// At the end of the name of a dependency that is used if it is there, and not waited for if not.
inline constexpr char kOptionalMark = '?';

// The names that dependencies can refer to.
class NameIndex {
 public:
  explicit NameIndex(const std::vector<ResourceName>& names);

  // `text`: bare or full. NOT_FOUND, or FAILED_PRECONDITION naming the candidates where a bare name
  // is that of several resources.
  absl::StatusOr<ResourceName> Resolve(const std::string& text) const;

  // Another text, bare or full, for `name`.
  void AddAlias(const std::string& text, const ResourceName& name);

 private:
  std::map<std::string, std::vector<ResourceName>> by_text_;  // bare and full
};

// Each resource with what it needs. Needs that are no keys themselves are left out.
using Edges = std::map<ResourceName, std::vector<ResourceName>>;

struct Order {
  // Everything that is in no cycle and needs none, what is needed first, ties by name.
  std::vector<ResourceName> sorted;
  // Members of cycles, each with its shortest way back to itself: a -> b -> a is {a, b, a}.
  std::map<ResourceName, std::vector<ResourceName>> cycles;
  // What needs a member of a cycle without being one.
  std::vector<ResourceName> behind_cycles;
};

Order OrderByNeed(const Edges& edges);

// Whether `from` is `to`, or needs it, directly or through others.
bool Reaches(const Edges& edges, const ResourceName& from, const ResourceName& to);

}  // namespace bowerbird::machine
