// SPDX-License-Identifier: Apache-2.0
//
// A captured file (on the wire: binary data) and where it came from, as values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/values.h"
#include "data/caller.h"

namespace bowerbird::data {

// What captured it. All of it is kept as the uploader's hub knew it at that time: a machine that is
// renamed later does not change what is stored.
struct Source {
  std::string location_id{};
  std::string robot_id{}, robot_name{};
  std::string part_id{}, part_name{};
  std::string component_type{};  // as captured: "rdk:component:camera"
  std::string component_name{};
  std::string method_name{};
  std::string mime_type{};
  // A JSON object, "{}" when there are none. Kept in canonical form: keys sorted, no white space.
  std::string method_parameters = "{}";
};

struct Item {
  std::string id{};       // ORGANIZATION/LOCATION/FILE, the wire's binary_data_id
  std::string file_id{};  // 40 hex digits
  std::string organization_id{};
  Source source{};
  Time time_requested{}, time_received{};
  std::string file_name{};                 // as uploaded, may be empty
  std::string file_extension{};            // with its dot, may be empty
  uint64_t size = 0;                       // bytes
  std::string content_hash{};              // SHA-256, 64 hex digits
  int width = 0, height = 0;               // of a picture as a person sees it; 0 where it is none
  std::vector<std::string> tags{};         // sorted
  annotation::Annotations annotations{};   // boxes in the order in which they were added
  std::vector<std::string> dataset_ids{};  // sorted
};

struct NewItem {
  Source source{};
  Time time_requested{}, time_received{};
  std::string file_name{};
  std::string file_extension{};
  std::vector<std::string> tags{};
  annotation::Annotations annotations{};
  std::vector<std::string> dataset_ids{};
};

// An item's identity is its origin and content: organization, part, component type and name,
// method, time requested, file name and SHA-256 of the content. The same upload always has the same
// id, so that sending it again changes nothing. The id begins with the time, which keeps neighbours
// in time neighbours in the index.
std::string FileIdOf(std::string_view organization_id, const NewItem& item,
                     std::string_view content_hash);

std::string ItemIdOf(std::string_view organization_id, std::string_view location_id,
                     std::string_view file_id);

// The file id in "ORGANIZATION/LOCATION/FILE" or "FILE" (older clients send the parts apart).
// NOT_FOUND if it cannot be one, or is one of another organization than the caller's.
absl::StatusOr<std::string> ParseItemId(const Caller& caller, std::string_view id);

}  // namespace bowerbird::data
