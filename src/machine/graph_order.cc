// SPDX-License-Identifier: Apache-2.0
#include "machine/graph_order.h"

#include <algorithm>
#include <deque>
#include <queue>
#include <set>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

// The shortest way from `start` back to itself inside `members`; empty if there is none.
std::vector<ResourceName> ShortestCycle(const Edges& edges, const std::set<ResourceName>& members,
                                        const ResourceName& start) {
  std::map<ResourceName, ResourceName> came_from;
  std::deque<ResourceName> queue{start};
  while (!queue.empty()) {
    const ResourceName current = queue.front();
    queue.pop_front();
    for (const auto& next : edges.at(current)) {
      if (next == start) {
        std::vector<ResourceName> way{start};
        for (ResourceName at = current; at != start; at = came_from.at(at)) way.push_back(at);
        way.push_back(start);
        std::reverse(way.begin(), way.end());
        return way;
      }
      if (members.contains(next) && came_from.try_emplace(next, current).second)
        queue.push_back(next);
    }
  }
  return {};
}

}  // namespace

NameIndex::NameIndex(const std::vector<ResourceName>& names) {
  for (const auto& name : names) {
    by_text_[name.name].push_back(name);
    by_text_[name.ToString()].push_back(name);
  }
}

void NameIndex::AddAlias(const std::string& text, const ResourceName& name) {
  auto& names = by_text_[text];
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

absl::StatusOr<ResourceName> NameIndex::Resolve(const std::string& text) const {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return NotFound(text);
  if (found->second.size() == 1) return found->second.front();
  std::string candidates;
  for (const auto& name : found->second)
    candidates += (candidates.empty() ? "" : " or ") + name.ToString();
  return FailedPrecondition("the dependency \"" + text + "\" is ambiguous: write " + candidates);
}

Order OrderByNeed(const Edges& edges) {
  Order order;
  std::map<ResourceName, size_t> open_needs;
  std::map<ResourceName, std::vector<ResourceName>> needed_by;
  std::priority_queue<ResourceName, std::vector<ResourceName>, std::greater<>> ready;
  for (const auto& [name, needs] : edges) {
    size_t count = 0;
    for (const auto& need : needs) {
      if (!edges.contains(need)) continue;
      needed_by[need].push_back(name);
      ++count;
    }
    open_needs[name] = count;
    if (count == 0) ready.push(name);
  }
  while (!ready.empty()) {
    order.sorted.push_back(ready.top());
    ready.pop();
    const auto waiting = needed_by.find(order.sorted.back());
    if (waiting == needed_by.end()) continue;
    for (const auto& name : waiting->second) {
      if (--open_needs[name] == 0) ready.push(name);
    }
  }
  std::set<ResourceName> left;
  for (const auto& [name, count] : open_needs) {
    if (count > 0) left.insert(name);
  }
  for (const auto& name : left) {
    auto way = ShortestCycle(edges, left, name);
    if (way.empty()) {
      order.behind_cycles.push_back(name);
    } else {
      order.cycles[name] = std::move(way);
    }
  }
  return order;
}

bool Reaches(const Edges& edges, const ResourceName& from, const ResourceName& to) {
  std::set<ResourceName> seen{from};
  std::vector<ResourceName> waiting{from};
  while (!waiting.empty()) {
    const ResourceName current = waiting.back();
    waiting.pop_back();
    if (current == to) return true;
    const auto needs = edges.find(current);
    if (needs == edges.end()) continue;
    for (const ResourceName& need : needs->second) {
      if (seen.insert(need).second) waiting.push_back(need);
    }
  }
  return false;
}

}  // namespace bowerbird::machine
