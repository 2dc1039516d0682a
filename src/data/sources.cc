// SPDX-License-Identifier: Apache-2.0
#include "data/sources.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "base/status.h"

namespace bowerbird::data {
namespace {

// Printing JSON recurses.
constexpr int kDeepestJson = 100;

bool IsShallow(std::string_view json) {
  int depth = 0;
  bool quoted = false;
  for (size_t at = 0; at < json.size(); ++at) {
    const char letter = json[at];
    if (quoted && letter == '\\') {
      ++at;
    } else if (letter == '"') {
      quoted = !quoted;
    } else if (!quoted && (letter == '{' || letter == '[')) {
      if (++depth > kDeepestJson) return false;
    } else if (!quoted && (letter == '}' || letter == ']')) {
      --depth;
    }
  }
  return true;
}

std::string TagsJson(const std::vector<std::string>& tags) { return nlohmann::json(tags).dump(); }

std::vector<std::string> TagsOf(std::string_view json) {
  std::vector<std::string> tags;
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_array()) return tags;
  for (const auto& tag : parsed) {
    if (tag.is_string()) tags.push_back(tag.get<std::string>());
  }
  return tags;
}

// Each part with its length, so that no two sources give the same bytes.
std::string KeyOf(int64_t org, bool tabular, const Source& source, std::string_view parameters,
                  std::string_view tags) {
  Sha256 hash;
  const auto add = [&](std::string_view part) {
    hash.Update(std::to_string(part.size()) + ":");
    hash.Update(part);
  };
  add(std::to_string(org));
  add(tabular ? "readings" : "items");
  for (const std::string* part : {&source.location_id, &source.robot_id, &source.robot_name,
                                  &source.part_id, &source.part_name, &source.component_type,
                                  &source.component_name, &source.method_name, &source.mime_type}) {
    add(*part);
  }
  add(parameters);
  add(tags);
  const Sha256Digest digest = hash.Finish();
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// Conditions with their parameters, joined by AND.
class Conditions {
 public:
  explicit Conditions(int64_t org, bool tabular) {
    text_ = "org = " + std::to_string(org) + " AND tabular = " + (tabular ? "1" : "0");
  }
  void Equals(const char* column, const std::string& value) {
    if (!value.empty()) text_ += std::string(" AND ") + column + " = " + Parameter(value);
  }
  void OneOf(const char* column, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "" : ", ") + Parameter(value);
    text_ += std::string(" AND ") + column + " IN (" + list + ")";
  }
  // At one of the places; nothing if there are none.
  void AtPlaces(const Places& places) {
    std::string either = "1 = 0";
    for (const std::string& id : places.location_ids)
      either += " OR location_id = " + Parameter(id);
    for (const std::string& id : places.robot_ids) either += " OR robot_id = " + Parameter(id);
    text_ += " AND (" + either + ")";
  }
  const std::string& text() const { return text_; }
  std::span<const store::Value> parameters() const { return parameters_; }

 private:
  std::string Parameter(const std::string& value) {
    parameters_.emplace_back(std::string_view(value));
    std::string name = "$";
    name += std::to_string(parameters_.size());
    return name;
  }
  std::string text_;
  std::vector<store::Value> parameters_;
};

bool HasOneOf(const std::vector<std::string>& tags, const std::vector<std::string>& wanted) {
  for (const std::string& tag : wanted) {
    if (std::find(tags.begin(), tags.end(), tag) != tags.end()) return true;
  }
  return false;
}

bool TagsMatch(const Filter& filter, const std::vector<std::string>& tags) {
  switch (filter.tags_filter) {
    case Filter::Tags::kAny:
      return true;
    case Filter::Tags::kOneOf:
      return filter.tags.empty() || HasOneOf(tags, filter.tags);
    case Filter::Tags::kTagged:
      return !tags.empty();
    case Filter::Tags::kUntagged:
      return tags.empty();
  }
  return true;
}

bool AsksForTags(const Filter& filter) {
  return filter.tags_filter != Filter::Tags::kAny &&
         (filter.tags_filter != Filter::Tags::kOneOf || !filter.tags.empty());
}

}  // namespace

absl::StatusOr<std::string> CanonicalJsonObject(std::string_view json, std::string_view what) {
  if (json.empty()) return std::string("{}");
  if (!IsShallow(json)) {
    return InvalidArgument(std::string(what) + " must not be nested more than " +
                           std::to_string(kDeepestJson) + " deep");
  }
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return InvalidArgument(std::string(what) + " must be a JSON object");
  }
  return parsed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<int64_t> MakeSource(Connection& connection, int64_t org, bool tabular,
                                   const Source& source, const std::vector<std::string>& tags) {
  ASSIGN_OR_RETURN(const std::string parameters,
                   CanonicalJsonObject(source.method_parameters, "method parameters"));
  const std::string tags_json = TagsJson(tags);
  const std::string key = KeyOf(org, tabular, source, parameters, tags_json);
  int64_t number = 0;
  const auto take = [&](const Row& row) {
    number = row.Integer(0);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(
      connection.Query("SELECT source FROM sources WHERE key = $1", {Bytes{key}}, take));
  if (number != 0) return number;
  RETURN_IF_ERROR(connection.Query(
      "INSERT INTO sources(org, tabular, key, location_id, robot_id, robot_name, part_id,"
      " part_name, component_type, component_name, method_name, mime_type, method_parameters,"
      " tags) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
      " RETURNING source",
      {org, int64_t{tabular}, Bytes{key}, source.location_id, source.robot_id, source.robot_name,
       source.part_id, source.part_name, source.component_type, source.component_name,
       source.method_name, source.mime_type, parameters, tags_json},
      take));
  return number;
}

absl::StatusOr<std::map<int64_t, KnownSource>> LoadSources(Connection& connection,
                                                           const std::vector<int64_t>& numbers) {
  std::map<int64_t, KnownSource> sources;
  if (numbers.empty()) return sources;
  RETURN_IF_ERROR(connection.Query(
      "SELECT s.source, o.id, s.location_id, s.robot_id, s.robot_name, s.part_id, s.part_name,"
      " s.component_type, s.component_name, s.method_name, s.mime_type, s.method_parameters,"
      " s.tags FROM sources s JOIN organizations o ON o.org = s.org WHERE s.source IN (" +
          Joined(numbers) + ")",
      {}, [&](const Row& row) {
        KnownSource& known = sources[row.Integer(0)];
        known.organization_id = row.Text(1);
        known.source = {.location_id = std::string(row.Text(2)),
                        .robot_id = std::string(row.Text(3)),
                        .robot_name = std::string(row.Text(4)),
                        .part_id = std::string(row.Text(5)),
                        .part_name = std::string(row.Text(6)),
                        .component_type = std::string(row.Text(7)),
                        .component_name = std::string(row.Text(8)),
                        .method_name = std::string(row.Text(9)),
                        .mime_type = std::string(row.Text(10)),
                        .method_parameters = std::string(row.Text(11))};
        // PostgreSQL's own order and spacing of JSON is another one.
        auto canonical = CanonicalJsonObject(known.source.method_parameters, "");
        if (canonical.ok()) known.source.method_parameters = *std::move(canonical);
        known.tags = TagsOf(row.Text(12));
        return absl::OkStatus();
      }));
  return sources;
}

bool AsksForSources(const Caller& caller, const Filter& filter, bool tabular) {
  if (caller.places.has_value()) return true;
  for (const std::string* field :
       {&filter.component_name, &filter.component_type, &filter.method, &filter.robot_name,
        &filter.robot_id, &filter.part_name, &filter.part_id}) {
    if (!field->empty()) return true;
  }
  if (!filter.location_ids.empty()) return true;
  if (tabular) return AsksForTags(filter) || filter.method_parameters.has_value();
  return !filter.mime_types.empty();
}

absl::StatusOr<std::vector<int64_t>> MatchSources(Connection& connection, int64_t org,
                                                  const Caller& caller, const Filter& filter,
                                                  bool tabular) {
  Conditions where(org, tabular);
  if (caller.places.has_value()) where.AtPlaces(*caller.places);
  where.Equals("component_name", filter.component_name);
  where.Equals("component_type", filter.component_type);
  where.Equals("method_name", filter.method);
  where.Equals("robot_name", filter.robot_name);
  where.Equals("robot_id", filter.robot_id);
  where.Equals("part_name", filter.part_name);
  where.Equals("part_id", filter.part_id);
  where.OneOf("location_id", filter.location_ids);
  if (!tabular) where.OneOf("mime_type", filter.mime_types);
  std::optional<std::string> parameters;
  if (filter.method_parameters.has_value()) {
    ASSIGN_OR_RETURN(parameters,
                     CanonicalJsonObject(*filter.method_parameters, "method parameters"));
  }
  std::vector<int64_t> numbers;
  RETURN_IF_ERROR(connection.Query("SELECT source, tags, method_parameters FROM sources WHERE " +
                                       where.text() + " ORDER BY source",
                                   where.parameters(), [&](const Row& row) {
                                     if (tabular && !TagsMatch(filter, TagsOf(row.Text(1))))
                                       return absl::OkStatus();
                                     if (parameters.has_value()) {
                                       const auto own = CanonicalJsonObject(row.Text(2), "");
                                       if (!own.ok() || *own != *parameters)
                                         return absl::OkStatus();
                                     }
                                     numbers.push_back(row.Integer(0));
                                     return absl::OkStatus();
                                   }));
  return numbers;
}

absl::StatusOr<bool> SeesSource(Connection& connection, const Caller& caller, int64_t source) {
  if (!caller.places.has_value()) return true;
  bool sees = false;
  RETURN_IF_ERROR(connection.Query(
      "SELECT location_id, robot_id FROM sources WHERE source = $1", {source}, [&](const Row& row) {
        const auto& [locations, robots] = *caller.places;
        sees = std::find(locations.begin(), locations.end(), row.Text(0)) != locations.end() ||
               std::find(robots.begin(), robots.end(), row.Text(1)) != robots.end();
        return absl::OkStatus();
      }));
  return sees;
}

}  // namespace bowerbird::data
