// SPDX-License-Identifier: Apache-2.0
//
// Which items or readings: the filter of the wire as a value. Fields are joined by AND, the values
// of one field by OR; an empty field asks for nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/item.h"

namespace bowerbird::data {

struct Filter {
  enum class Tags {
    kAny,       // no condition
    kOneOf,     // at least one of `tags`; no condition if there are none
    kTagged,    // at least one tag
    kUntagged,  // none
  };

  std::string component_name{}, component_type{}, method{};
  std::string robot_name{}, robot_id{}, part_name{}, part_id{};
  std::vector<std::string> location_ids{};
  // Must contain the caller's organization if not empty, else nothing matches.
  std::vector<std::string> organization_ids{};
  std::vector<std::string> mime_types{};
  // By time requested. `start` is included, `end` is not; either may be missing.
  std::optional<Time> start{}, end{};
  Tags tags_filter = Tags::kAny;
  std::vector<std::string> tags{};
  std::vector<std::string> box_labels{};
  std::string dataset_id{};
  // Readings only: the parameters of the method as a JSON object, all of them; nullopt = any.
  std::optional<std::string> method_parameters{};
};

enum class Order { kDescending, kAscending };  // by time requested, then by arrival

inline constexpr uint64_t kDefaultPage = 50;
inline constexpr uint64_t kLargestPage = 1000;

struct PageRequest {
  Filter filter{};
  uint64_t limit = kDefaultPage;  // 0: the default; more than kLargestPage: that
  // Where the page before ended. INVALID_ARGUMENT if it is not one of ours. A page is found by key:
  // it costs the same however deep it lies, and items that arrive meanwhile neither move nor repeat
  // what follows.
  std::string last{};
  Order order = Order::kDescending;
};

struct ItemPage {
  std::vector<Item> items{};
  // For the next page; empty when this one is not full. Never empty on a full page, even if nothing
  // follows.
  std::string last{};
};

struct Totals {
  uint64_t count = 0;
  uint64_t bytes = 0;
};

}  // namespace bowerbird::data
