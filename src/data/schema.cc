// SPDX-License-Identifier: Apache-2.0
#include "data/schema.h"

namespace bowerbird::data {
namespace {

// Statements in several pieces are what this check takes for a missing comma.
// NOLINTBEGIN(bugprone-suspicious-missing-comma)
const std::vector<std::string> kOrigins = {
    "CREATE TABLE organizations(org {id}, id {text} NOT NULL UNIQUE)",
    // Everything that a filter can ask of where something comes from: few rows, so that a filter is
    // answered by a handful of their numbers. `key` is the hash of the whole row.
    "CREATE TABLE sources(source {id}, org BIGINT NOT NULL, tabular BIGINT NOT NULL,"
    " key {bytes} NOT NULL UNIQUE, location_id {text} NOT NULL, robot_id {text} NOT NULL,"
    " robot_name {text} NOT NULL, part_id {text} NOT NULL, part_name {text} NOT NULL,"
    " component_type {text} NOT NULL, component_name {text} NOT NULL,"
    " method_name {text} NOT NULL, mime_type {text} NOT NULL, method_parameters {json} NOT NULL,"
    " tags {json} NOT NULL)",
    "CREATE INDEX sources_by_organization ON sources(org, tabular)",
};

const std::vector<std::string> kItems = {
    "CREATE TABLE items(item {id}, org BIGINT NOT NULL, source BIGINT NOT NULL,"
    " file_id {bytes} NOT NULL UNIQUE, t BIGINT NOT NULL, received BIGINT NOT NULL,"
    " stored BIGINT NOT NULL, file_name {text} NOT NULL, file_extension {text} NOT NULL,"
    " size BIGINT NOT NULL, hash {bytes} NOT NULL, width BIGINT NOT NULL, height BIGINT NOT NULL,"
    " tagged BIGINT NOT NULL, version BIGINT NOT NULL, annotation_hash {bytes} NOT NULL,"
    " boxes BIGINT NOT NULL, prepared BIGINT NOT NULL, looks BIGINT)",
    // `tagged` before the time: asked for, it is one range; not asked for, two that are merged.
    "CREATE INDEX items_by_time ON items(org, tagged, t, item)",
    "CREATE INDEX items_by_source ON items(source, tagged, t, item)",
    "CREATE INDEX items_by_hash ON items(hash)",
    "CREATE INDEX items_unprepared ON items(item) WHERE prepared = 0",
    // Kept by day, so that counting and retention never walk over items.
    "CREATE TABLE item_days(source BIGINT NOT NULL, day BIGINT NOT NULL, tagged BIGINT NOT NULL,"
    " items BIGINT NOT NULL, bytes BIGINT NOT NULL, PRIMARY KEY(source, day, tagged)) {clustered}",
    // How often items were deleted: whoever reads items in one transaction and refers to them in a
    // later one sees by it whether they may be gone.
    "CREATE TABLE deletions(number BIGINT NOT NULL)",
    "INSERT INTO deletions(number) VALUES (0)",
    // Version 0 of an item has no row: nothing was said about it.
    "CREATE TABLE annotation_versions(item BIGINT NOT NULL, version BIGINT NOT NULL,"
    " t BIGINT NOT NULL, changed_by {text} NOT NULL, body {text} NOT NULL,"
    " PRIMARY KEY(item, version)) {clustered}",
};

// Tags, labels and datasets of items, all found in the same way.
const std::vector<std::string> kTerms = {
    "CREATE TABLE terms(term {id}, org BIGINT NOT NULL, kind BIGINT NOT NULL,"
    " name {text} NOT NULL, UNIQUE(org, kind, name))",
    "CREATE TABLE item_terms(item BIGINT NOT NULL, term BIGINT NOT NULL, source BIGINT NOT NULL,"
    " t BIGINT NOT NULL, PRIMARY KEY(item, term)) {clustered}",
    "CREATE INDEX item_terms_by_time ON item_terms(term, t, item)",
    "CREATE INDEX item_terms_by_source ON item_terms(source, term, t, item)",
    "CREATE TABLE term_counts(term BIGINT NOT NULL, source BIGINT NOT NULL,"
    " items BIGINT NOT NULL, bytes BIGINT NOT NULL, PRIMARY KEY(term, source)) {clustered}",
    "CREATE INDEX term_counts_by_source ON term_counts(source, term)",
};

const std::vector<std::string> kSets = {
    "CREATE TABLE datasets(dataset {id}, org BIGINT NOT NULL, id {text} NOT NULL UNIQUE,"
    " name {text} NOT NULL, t BIGINT NOT NULL, type BIGINT NOT NULL, UNIQUE(org, name))",
    "CREATE TABLE snapshots(snapshot {id}, org BIGINT NOT NULL, id {text} NOT NULL,"
    " dataset_id {text} NOT NULL, name {text} NOT NULL, t BIGINT NOT NULL,"
    " items BIGINT NOT NULL, boxes BIGINT NOT NULL, split {text} NOT NULL,"
    " created_by {text} NOT NULL, members {bytes} NOT NULL, UNIQUE(org, id, dataset_id))",
};

const std::vector<std::string> kReadingsBoth = {
    "CREATE TABLE reading_days(source BIGINT NOT NULL, day BIGINT NOT NULL,"
    " items BIGINT NOT NULL, bytes BIGINT NOT NULL, PRIMARY KEY(source, day)) {clustered}",
};

// NOLINTEND(bugprone-suspicious-missing-comma)

// Times are nanoseconds. What a query of a user sees of them is derived, with microseconds, as the
// public API's documents have them.
std::string SqliteTime(const std::string& column) {
  return "(strftime('%Y-%m-%dT%H:%M:%S', " + column +
         " / 1000000000, 'unixepoch') || printf('.%06dZ', (" + column + " % 1000000000) / 1000))";
}

std::vector<std::string> SqliteReadings() {
  return {
      "CREATE TABLE reading_rows(reading INTEGER PRIMARY KEY, org BIGINT NOT NULL,"
      " source BIGINT NOT NULL, t BIGINT NOT NULL, received BIGINT NOT NULL,"
      " stored BIGINT NOT NULL, identity BLOB NOT NULL UNIQUE, size BIGINT NOT NULL,"
      " data JSON NOT NULL, time_requested TIMESTAMP GENERATED ALWAYS AS " +
          SqliteTime("t") + " VIRTUAL, time_received TIMESTAMP GENERATED ALWAYS AS " +
          SqliteTime("received") + " VIRTUAL)",
      "CREATE INDEX reading_rows_by_time ON reading_rows(org, t, reading)",
      "CREATE INDEX reading_rows_by_source ON reading_rows(source, t, reading)",
  };
}

std::vector<std::string> PostgresqlReadings() {
  return {
      "CREATE TABLE reading_rows(reading BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
      " org BIGINT NOT NULL, source BIGINT NOT NULL, t BIGINT NOT NULL, received BIGINT NOT NULL,"
      " stored BIGINT NOT NULL, identity BYTEA NOT NULL UNIQUE, size BIGINT NOT NULL,"
      " data JSONB NOT NULL)",
      "CREATE INDEX reading_rows_by_time ON reading_rows(org, t, reading)",
      "CREATE INDEX reading_rows_by_source ON reading_rows(source, t, reading)",
  };
}

}  // namespace

std::vector<store::Migration> Migrations() {
  store::Migration first{.version = 1, .name = "items, readings, datasets"};
  for (const auto* part : {&kOrigins, &kItems, &kTerms, &kSets, &kReadingsBoth}) {
    first.sql.insert(first.sql.end(), part->begin(), part->end());
  }
  first.sqlite_sql = SqliteReadings();
  first.postgresql_sql = PostgresqlReadings();
  return {first};
}

}  // namespace bowerbird::data
