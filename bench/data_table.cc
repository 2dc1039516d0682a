// SPDX-License-Identifier: Apache-2.0
#include "bench/data_table.h"

#include <utility>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "store/database.h"

namespace bowerbird::bench {
namespace {

using store::Connection;
using store::Engine;

constexpr std::pair<const char*, const char*> kNumbered[] = {
    {"organizations", "org"}, {"sources", "source"}, {"terms", "term"}, {"items", "item"}};

// The terms' numbers.
constexpr const char* kTerms =
    "INSERT INTO terms(term, org, kind, name) VALUES (1, 1, 0, 'common0'), (2, 1, 0, 'common1'),"
    " (3, 1, 0, 'common2'), (4, 1, 0, 'common3'), (5, 1, 0, 'common4'), (6, 1, 0, 'rare'),"
    " (11, 1, 1, 'label0'), (12, 1, 1, 'label1'), (13, 1, 1, 'label2'), (14, 1, 1, 'label3'),"
    " (15, 1, 1, 'label4'), (16, 1, 1, 'label5'), (17, 1, 1, 'label6'), (18, 1, 1, 'label7'),"
    " (19, 1, 1, 'label8'), (20, 1, 1, 'label9'),"
    " (21, 1, 3, '0123456789abcdef01234567')";

constexpr const char* kDataset =
    "INSERT INTO datasets(org, id, name, t, type)"
    " VALUES (1, '0123456789abcdef01234567', 'all', 0, 0)";

constexpr const char* kVersions =
    "INSERT INTO annotation_versions(item, version, t, changed_by, body)"
    " SELECT item, 1, t, 'b', ";

std::string RandomBytes(Engine engine, int count) {
  if (engine == Engine::kSqlite) return "randomblob(" + std::to_string(count) + ")";
  return "substr(decode(md5(x::text) || md5('a' || x), 'hex'), 1, " + std::to_string(count) + ")";
}

// An SQL expression: an item's annotations as they are stored. The corners have as many digits as
// real ones.
std::string BodyOf(int boxes) {
  std::string text = "'{\"boxes\":[";
  for (int box = 0; box < boxes; ++box) {
    const std::string number = std::to_string(box);
    const std::string digits = std::to_string(1234567890123 + 7654321 * box);
    text += box == 0 ? "" : ",";
    text += "{\"corners\":[0." + digits + ",0.2" + digits + ",0.4" + digits + ",0.6" + digits +
            "],\"id\":\"' || item || '-" + number + "\",\"label\":\"label' || ((item + " + number +
            ") % 10) || '\"}";
  }
  return text + "],\"tags\":[\"common' || (item % 5) || '\"]}'";
}

std::vector<std::string> Statements(Engine engine, const TableOptions& options) {
  const std::string items = std::to_string(options.items);
  const std::string numbers =
      "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x + 1 < " + items +
      ") ";
  const std::string start = std::to_string(kTableStart);
  const std::string t = "(" + start + " + CAST(x AS BIGINT)) * 1000000000";
  const std::string tagged = "CASE WHEN x % 10 = 0 THEN 0 ELSE 1 END";
  const auto terms = [&](const std::string& term, const std::string& where) {
    return "INSERT INTO item_terms(item, term, source, t) SELECT item, " + term +
           ", source, t FROM items" + where;
  };
  // Statements in several pieces are what this check takes for a missing comma.
  // NOLINTBEGIN(bugprone-suspicious-missing-comma)
  return {
      "INSERT INTO organizations(org, id) VALUES (1, '" + options.organization + "')",
      numbers +
          "INSERT INTO sources(source, org, tabular, key, location_id, robot_id, robot_name,"
          " part_id, part_name, component_type, component_name, method_name, mime_type,"
          " method_parameters, tags) SELECT x + 1, 1, 0, " +
          RandomBytes(engine, 32) +
          ", 'loc', '', '', 'part', '', 'rdk:component:camera', 'cam' || x, 'ReadImage',"
          " 'image/jpeg', '{}', '[]' FROM n WHERE x < 20",
      kTerms,
      kDataset,
      numbers +
          "INSERT INTO items(item, org, source, file_id, t, received, stored, file_name,"
          " file_extension, size, hash, width, height, tagged, version, annotation_hash,"
          " boxes, prepared) SELECT x + 1, 1, x % 20 + 1, " +
          RandomBytes(engine, 20) + ", " + t + ", " + t + ", " + t + ", '', '.jpg', 100000, " +
          RandomBytes(engine, 32) + ", 640, 480, " + tagged + ", 1, " + RandomBytes(engine, 32) +
          ", " + std::to_string(options.boxes) + ", 1 FROM n",
      std::string(kVersions) + BodyOf(options.boxes) + " FROM items",
      terms("item % 5 + 1", " WHERE tagged = 1"),
      terms("6", " WHERE item % 997 = 0"),
      terms("item % 10 + 11", ""),
      terms("21", ""),
      "INSERT INTO term_counts(term, source, items, bytes) SELECT term, source, COUNT(*),"
      " COUNT(*) * 100000 FROM item_terms GROUP BY term, source",
      "INSERT INTO item_days(source, day, tagged, items, bytes) SELECT source, t / 86400000000000,"
      " tagged, COUNT(*), COUNT(*) * 100000 FROM items GROUP BY source, t / 86400000000000, tagged",
  };
  // NOLINTEND(bugprone-suspicious-missing-comma)
}

}  // namespace

absl::Status FillTable(const std::string& location, const TableOptions& options) {
  ASSIGN_OR_RETURN(const auto database,
                   store::OpenDatabase({.location = location, .migrations = data::Migrations()}));
  bool is_filled = false;
  absl::Status read = database->Read([&](Connection& connection) {
    return connection.Query("SELECT 1 FROM organizations", {}, [&](const store::Row&) {
      is_filled = true;
      return absl::OkStatus();
    });
  });
  if (!read.ok() || is_filled) return read;
  for (const std::string& sql : Statements(database->engine(), options)) {
    const absl::Status written = database->Write(
        [&](Connection& connection) { return connection.Execute(sql, {}).status(); });
    if (!written.ok()) return Annotate(written, sql);
  }
  // Rows came with their numbers: the next ones are given out behind them.
  for (const auto& [table, column] : kNumbered) {
    if (database->engine() != Engine::kPostgresql) break;
    const std::string sql = std::string("SELECT setval(pg_get_serial_sequence('") + table + "', '" +
                            column + "'), MAX(" + column + ")) FROM " + table;
    const absl::Status set = database->Write([&](Connection& connection) {
      return connection.Query(sql, {}, [](const store::Row&) { return absl::OkStatus(); });
    });
    if (!set.ok()) return Annotate(set, sql);
  }
  // PostgreSQL plans badly without; it does so itself some minutes after a real table has grown.
  return database->Write(
      [](Connection& connection) { return connection.Execute("ANALYZE", {}).status(); });
}

}  // namespace bowerbird::bench
