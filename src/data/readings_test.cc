// SPDX-License-Identifier: Apache-2.0
#include "data/readings.h"

#include <nlohmann/json.hpp>

#include "data/testing_catalog.h"

namespace bowerbird::data {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;

class ReadingsTest : public CatalogTest {
 protected:
  ReadingSource Sensor(const std::string& name = "thermometer") {
    return {.source = {.location_id = "loc",
                       .part_id = "part-1",
                       .component_type = "rdk:component:sensor",
                       .component_name = name,
                       .method_name = "Readings"},
            .tags = {}};
  }
  NewReading At(int64_t second, double value) {
    return {.time_requested = data::At(kStart + second),
            .time_received = data::At(kStart + second + 1),
            .payload = "{\"readings\": {\"c\": " + std::to_string(value) + "}}"};
  }
  void AddMany(int count, const std::string& name = "thermometer") {
    std::vector<NewReading> readings;
    for (int second = 0; second < count; ++second) readings.push_back(At(second, second));
    const auto added = catalog_->readings().Add(caller_, Sensor(name), readings);
    ASSERT_TRUE(added.ok()) << added.status();
  }
  absl::StatusOr<SqlResult> Sql(const std::string& query) {
    return catalog_->readings().Sql(Context(), caller_, query);
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, ReadingsTest,
                         Values(store::Engine::kSqlite, store::Engine::kPostgresql), EngineName);

TEST_P(ReadingsTest, ComeBackPageByPageWithTheirSource) {
  AddMany(7);
  AddMany(2, "other");
  PageRequest request{.filter = {.component_name = "thermometer"}, .limit = 3};
  std::vector<Time> times;
  do {
    const auto page = catalog_->readings().List(caller_, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const Reading& reading : page->readings) {
      times.push_back(reading.time_requested);
      EXPECT_EQ(page->sources.at(reading.source_index).source.component_name, "thermometer");
      EXPECT_EQ(reading.organization_id, "org-1");
    }
    request.last = page->last;
  } while (!request.last.empty());
  ASSERT_EQ(times.size(), 7u);
  EXPECT_EQ(times.front(), data::At(kStart + 6));
  EXPECT_EQ(times.back(), data::At(kStart));
  EXPECT_EQ(catalog_->readings().Count(caller_, {})->count, 9u);
  EXPECT_EQ(catalog_->readings()
                .Count(caller_, {.start = data::At(kStart + 1), .end = data::At(kStart + 3)})
                ->count,
            3u);
  EXPECT_EQ(catalog_->readings().Count(stranger_, {})->count, 0u);
}

TEST_P(ReadingsTest, TheSameUploadTwiceIsThereOnceWithTheSameId) {
  const std::vector<NewReading> readings = {At(1, 1), At(2, 2)};
  const auto first = catalog_->readings().Add(caller_, Sensor(), readings);
  const auto second = catalog_->readings().Add(caller_, Sensor(), readings);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(catalog_->readings().Count(caller_, {})->count, 2u);
}

TEST_P(ReadingsTest, WhatIsNoObjectIsRefusedAsAWhole) {
  for (const std::string& payload :
       {std::string("[1]"), std::string("{"), std::string(200, '[') + std::string(200, ']'),
        "{\"a\":\"" + std::string(4'000'001, 'x') + "\"}"}) {
    NewReading bad = At(2, 2);
    bad.payload = payload;
    EXPECT_EQ(catalog_->readings().Add(caller_, Sensor(), {At(1, 1), bad}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(catalog_->readings().Count(caller_, {})->count, 0u);
}

TEST_P(ReadingsTest, ANulInATextBecomesTheSignForNoCharacter) {
  NewReading odd = At(1, 1);
  odd.payload = R"({"a":"x\u0000\u0000","\u0000b":"\\u0000","c":"\\\u0000"})";
  ASSERT_TRUE(catalog_->readings().Add(caller_, Sensor(), {odd, At(2, 2)}).ok());
  const auto page = catalog_->readings().List(caller_, {.order = Order::kAscending});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->readings.size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(page->readings[0].payload),
            nlohmann::json::parse(R"({"a":"x\ufffd\ufffd","\ufffdb":"\\u0000","c":"\\\ufffd"})"));
}

TEST_P(ReadingsTest, ExportGoesThroughAllOfOneResourceOldestFirst) {
  AddMany(2500);
  AddMany(3, "other");
  ResourceMethod what{.part_id = "part-1",
                      .resource_name = "thermometer",
                      .resource_subtype = "rdk:component:sensor",
                      .method_name = "Readings"};
  std::vector<Time> times;
  const auto collect = [&](const ReadingSource& source, const Reading& reading) {
    EXPECT_EQ(source.source.component_name, "thermometer");
    times.push_back(reading.time_requested);
    return absl::OkStatus();
  };
  ASSERT_TRUE(catalog_->readings().Export(caller_, what, std::nullopt, std::nullopt, collect).ok());
  ASSERT_EQ(times.size(), 2500u);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  times.clear();
  ASSERT_TRUE(catalog_->readings()
                  .Export(caller_, what, data::At(kStart + 10), data::At(kStart + 12), collect)
                  .ok());
  EXPECT_EQ(times.size(), 2u);
  what.method_parameters = R"({"x":1})";
  times.clear();
  ASSERT_TRUE(catalog_->readings().Export(caller_, what, std::nullopt, std::nullopt, collect).ok());
  EXPECT_TRUE(times.empty());
  what.part_id = "";
  EXPECT_EQ(catalog_->readings().Export(caller_, what, std::nullopt, std::nullopt, collect).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(ReadingsTest, TheLatestIsOfTheLastYear) {
  const ResourceMethod what{
      .part_id = "part-1", .resource_name = "thermometer", .method_name = "Readings"};
  EXPECT_FALSE(catalog_->readings().Latest(caller_, what)->has_value());
  AddMany(5);
  const auto latest = catalog_->readings().Latest(caller_, what);
  ASSERT_TRUE(latest.ok() && latest->has_value());
  EXPECT_EQ((*latest)->time_requested, data::At(kStart + 4));
  EXPECT_EQ((*latest)->time_stored, now_);
  now_ = data::At(kStart + 366 * 86400);
  EXPECT_FALSE(catalog_->readings().Latest(caller_, what)->has_value());
}

TEST_P(ReadingsTest, DeletionGoesByAgeAndOrigin) {
  AddMany(1500);
  AddMany(3, "other");
  now_ = data::At(kStart + 86400 + 1001);
  EXPECT_EQ(*catalog_->readings().Delete(caller_, 1, {.component_name = "thermometer"}), 1000u);
  EXPECT_EQ(catalog_->readings().Count(caller_, {})->count, 503u);
  EXPECT_EQ(*catalog_->readings().Delete(stranger_, 0, {}), 0u);
  EXPECT_EQ(*catalog_->readings().Delete(caller_, 0, {}), 503u);
  EXPECT_EQ(catalog_->readings().Count(caller_, {})->count, 0u);
}

TEST_P(ReadingsTest, SqlSeesTheColumnsOfThePublicApiOfItsOwnOrganization) {
  ReadingSource source = Sensor();
  source.tags = {"t"};
  ASSERT_TRUE(catalog_->readings().Add(caller_, source, {At(1, 20.5), At(2, 21.5)}).ok());
  ASSERT_TRUE(catalog_->readings().Add(stranger_, source, {At(1, 99)}).ok());
  const auto all = Sql("SELECT * FROM readings ORDER BY time_requested");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->columns,
            (Texts{"organization_id", "location_id", "robot_id", "part_id", "component_type",
                   "component_name", "method_name", "time_requested", "time_received", "tags",
                   "additional_parameters", "data"}));
  ASSERT_EQ(all->rows.size(), 2u);
  EXPECT_EQ(all->rows[0][0].text, "org-1");
  EXPECT_EQ(all->rows[0][7].kind, SqlValue::Kind::kTime);
  EXPECT_EQ(all->rows[0][7].time, data::At(kStart + 1));
  EXPECT_EQ(all->rows[0][9].kind, SqlValue::Kind::kJson);
  EXPECT_EQ(all->rows[0][11].kind, SqlValue::Kind::kJson);
  // The same words on both engines.
  const auto value =
      Sql("SELECT count(*) AS n, max(CAST(data->'readings'->>'c' AS DOUBLE PRECISION)) AS top"
          " FROM readings WHERE component_name = 'thermometer' AND"
          " time_received > '2026-01-01T00:00:02.5Z'");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->columns, (Texts{"n", "top"}));
  EXPECT_EQ(value->rows[0][0].integer, 1);
  EXPECT_EQ(value->rows[0][1].real, 21.5);
}

TEST_P(ReadingsTest, SqlCanNeitherWriteNorLookElsewhere) {
  AddMany(3);
  for (const char* const query :
       {"",
        "DELETE FROM readings",
        "UPDATE readings SET data = '{}'",
        "DROP TABLE items",
        "INSERT INTO readings(data) VALUES ('{}')",
        "SELECT * FROM items",
        "SELECT * FROM reading_rows",
        "SELECT * FROM main.reading_rows",
        "SELECT * FROM public.reading_rows",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM sqlite_temp_master",
        "SELECT * FROM pragma_table_info('items')",
        "SELECT rolname FROM pg_authid",
        "SELECT * FROM organizations",
        "WITH readings AS (SELECT * FROM reading_rows) SELECT * FROM readings",
        "SELECT * FROM (SELECT * FROM reading_rows) readings",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_sleep(1)",
        "SELECT pg_backend_pid()",
        "SELECT set_config('role', 'none', true)",
        "SELECT query_to_xml('x', true, true, '')",
        "SELECT \"pg_sleep\"(1)",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE items",
        "ATTACH '/tmp/x' AS x",
        "PRAGMA query_only = 0",
        "COPY items TO '/tmp/x'",
        "RESET ROLE",
        "CREATE TABLE x(a int)",
        "VACUUM",
        "SELECT * FROM readings INTO OUTFILE 'x'",
        "DETACH main",
        "PRAGMA table_info('items')",
        "SELECT writefile('/tmp/x', 'x')",
        "SELECT fts3_tokenizer('x')",
        "SELECT edit('x')",
        "SELECT zeroblob(1000000000)",
        "SELECT randomblob(1000000000)",
        "SELECT printf('%.*c', 1000000000, 'x')",
        "SELECT hex(zeroblob(100000000))",
        "SELECT repeat('x', 1000000000)",
        "SELECT * FROM generate_series(1, 1000000000)",
        "COPY (SELECT 1) TO PROGRAM 'touch /tmp/x'",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_create(0)",
        "SELECT dblink('host=x', 'SELECT 1')",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock(1)",
        "SELECT pg_notify('a', 'b')",
        "SELECT pg_terminate_backend(1)",
        "SELECT nextval('items_item_seq')",
        "SELECT current_setting('data_directory')",
        "SELECT table_to_xml('items', true, true, '')",
        "SELECT * FROM pg_roles",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT query FROM pg_stat_activity",
        "SELECT * FROM information_schema.tables",
        "SELECT U&\"\\0070g_sleep\"(1)",
        "SELECT * INTO TEMP x FROM readings",
        "SELECT * FROM readings FOR UPDATE",
        "WITH x AS (DELETE FROM readings RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO organizations(id) VALUES ('x') RETURNING *) SELECT * FROM x",
        "DECLARE c CURSOR FOR SELECT 1",
        "SET ROLE bowerbird",
        "DO $$ BEGIN END $$",
        "CALL x()",
        "LISTEN x",
        "LOCK TABLE readings",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT 'unfinished"}) {
    const auto result = Sql(query);
    EXPECT_FALSE(result.ok()) << query;
    EXPECT_TRUE(absl::IsInvalidArgument(result.status()) ||
                absl::IsPermissionDenied(result.status()))
        << query << ": " << result.status();
  }
  EXPECT_EQ(catalog_->readings().Count(caller_, {})->count, 3u);
}

TEST_P(ReadingsTest, SqlEndsAtItsLimitsOrWhenNobodyWaits) {
  AddMany(200);
  EXPECT_EQ(Sql("SELECT 1 FROM readings a, readings b").status().code(),
            absl::StatusCode::kResourceExhausted);
  const auto started = std::chrono::steady_clock::now();
  Context context;
  context.deadline = started + std::chrono::milliseconds(300);
  const auto endless = catalog_->readings().Sql(
      context, caller_,
      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n");
  EXPECT_FALSE(endless.ok());
  const auto slow = catalog_->readings().Sql(
      context, caller_, "SELECT count(*) FROM readings a, readings b, readings c, readings d");
  EXPECT_EQ(slow.status().code(), absl::StatusCode::kDeadlineExceeded) << slow.status();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(8));
}

TEST_P(ReadingsTest, SqlCannotTakeTheMemoryOfTheHub) {
  AddMany(1);
  // One letter becomes a hundred, three times: 100 MB in one value.
  std::string large = "'" + std::string(100, 'a') + "'";
  for (int times = 0; times < 3; ++times) {
    large = "replace(" + large + ", 'a', '" + std::string(100, 'a') + "')";
  }
  const auto value = Sql("SELECT " + large);
  EXPECT_EQ(value.status().code(), absl::StatusCode::kResourceExhausted) << value.status();
  if (GetParam() != store::Engine::kSqlite) return;  // there it is the server's memory
  // Each value within its limit, all of them beyond.
  std::string columns;
  for (int column = 0; column < 20; ++column) {
    columns += (column == 0 ? "" : ", ") + std::string("replace(replace(replace('") +
               std::string(30, 'a') + "', 'a', '" + std::string(100, 'a') + "'), 'a', '" +
               std::string(100, 'a') + "'), 'a', '" + std::string(100, 'b') + "')";
  }
  const auto row = Sql("SELECT " + columns);
  EXPECT_EQ(row.status().code(), absl::StatusCode::kResourceExhausted) << row.status();
  const auto list =
      Sql("WITH RECURSIVE n(x, y) AS (SELECT 1, '" + std::string(1000, 'x') +
          "' UNION SELECT x + 1, y || x FROM n) SELECT count(*) FROM n ORDER BY max(y)");
  EXPECT_TRUE(absl::IsResourceExhausted(list.status()) || absl::IsDeadlineExceeded(list.status()))
      << list.status();
  EXPECT_TRUE(Sql("SELECT count(*) FROM readings").ok());
}

}  // namespace
}  // namespace bowerbird::data
