// SPDX-License-Identifier: Apache-2.0
#include "capture/config.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

absl::StatusOr<ManagerConfig> Parse(const Json& json) {
  return ParseManagerConfig(machine::Attributes(json, "attributes"), "/default");
}

CaptureMethods Methods(const std::string& text) {
  const auto config = machine::ParseConfig(text, {"machine.json", "", nullptr});
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? ReadCaptureMethods(*config) : CaptureMethods();
}

CaptureMethods MethodsOfCamera(const Json& methods) {
  return Methods(
      Json{{"components",
            {{{"name", "cam"},
              {"api", "rdk:component:camera"},
              {"model", "fake"},
              {"service_configs",
               {{{"type", "data_manager"}, {"attributes", {{"capture_methods", methods}}}}}}}}}}
          .dump());
}

TEST(ManagerConfigTest, EveryAttributeIsRead) {
  const auto config = Parse({{"capture_dir", "/captures//"},
                             {"tags", {"a-1", "B_2"}},
                             {"capture_disabled", true},
                             {"sync_disabled", true},
                             {"sync_interval_mins", 2.5},
                             {"additional_sync_paths", {"/more", "/most/"}},
                             {"file_last_modified_millis", 25},
                             {"maximum_num_sync_threads", 3},
                             {"selective_syncer_name", "wifi"},
                             {"maximum_capture_file_size_bytes", 1000},
                             {"delete_every_nth_when_disk_full", 7},
                             {"disk_usage_deletion_threshold", 0.8},
                             {"capture_dir_deletion_threshold", 0.25},
                             {"capture_control_sensor", {{"name", "boss"}, {"key", "orders"}}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->capture_dir, "/captures");
  EXPECT_THAT(config->tags, ElementsAre("a-1", "B_2"));
  EXPECT_TRUE(config->capture_disabled);
  EXPECT_TRUE(config->sync_disabled);
  EXPECT_EQ(config->sync_interval, std::chrono::seconds(150));
  EXPECT_THAT(config->additional_sync_paths, ElementsAre("/more", "/most"));
  EXPECT_EQ(config->file_last_modified, std::chrono::milliseconds(25));
  EXPECT_EQ(config->sync_threads, 3);
  EXPECT_EQ(config->selective_syncer, "wifi");
  EXPECT_EQ(config->max_capture_file_size, 1000u);
  EXPECT_EQ(config->delete_every_nth, 7);
  EXPECT_EQ(config->disk_usage_threshold, 0.8);
  EXPECT_EQ(config->capture_dir_threshold, 0.25);
  ASSERT_TRUE(config->control_sensor.has_value());
  EXPECT_EQ(config->control_sensor->name, "boss");
  EXPECT_EQ(config->control_sensor->key, "orders");
}

TEST(ManagerConfigTest, AMongoServerIsNamedByItsUri) {
  const auto parse = [](const Json& json) { return Parse({{"mongo_capture_config", json}}); };
  const auto config = parse({{"uri", "mongodb://h"}});
  ASSERT_TRUE(config.ok() && config->mongo.has_value()) << config.status();
  EXPECT_EQ(config->mongo->database, "sensorData");
  EXPECT_EQ(config->mongo->collection, "readings");
  const auto named = parse({{"uri", "mongodb+srv://h"}, {"database", "d"}, {"collection", "c"}});
  ASSERT_TRUE(named.ok() && named->mongo.has_value()) << named.status();
  EXPECT_EQ(named->mongo->database + named->mongo->collection, "dc");
  EXPECT_FALSE(parse(Json::object())->mongo.has_value());
  EXPECT_FALSE(parse(nullptr)->mongo.has_value());
  const auto other = parse({{"uri", "http://u:secret@h"}});
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("mongo_capture_config.uri"));
  EXPECT_THAT(std::string(other.status().message()), Not(HasSubstr("secret")));
  EXPECT_FALSE(parse("mongodb://h").ok());
}

TEST(ManagerConfigTest, DefaultsAreThoseOfTheReferenceMachine) {
  // What is given as 0 is as if it were not given.
  for (const Json& json : {Json::object(), Json{{"sync_interval_mins", 0},
                                                {"file_last_modified_millis", 0},
                                                {"maximum_capture_file_size_bytes", 0},
                                                {"delete_every_nth_when_disk_full", 0},
                                                {"disk_usage_deletion_threshold", 0},
                                                {"capture_dir_deletion_threshold", 0},
                                                {"maximum_num_sync_threads", 0}}}) {
    const auto config = Parse(json);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->capture_dir, "/default");
    EXPECT_EQ(config->sync_interval, std::chrono::seconds(6));
    EXPECT_EQ(config->file_last_modified, std::chrono::seconds(10));
    EXPECT_EQ(config->max_capture_file_size, 262144u);
    EXPECT_EQ(config->delete_every_nth, 5);
    EXPECT_EQ(config->disk_usage_threshold, 0.9);
    EXPECT_EQ(config->capture_dir_threshold, 0.5);
    EXPECT_GE(config->sync_threads, 1);
    EXPECT_FALSE(config->control_sensor.has_value());
  }
}

TEST(ManagerConfigTest, WhatIsWrongIsNamed) {
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, Json>>{{"sync_interval_mins", -1},
                                                           {"file_last_modified_millis", -1},
                                                           {"maximum_num_sync_threads", "all"},
                                                           {"maximum_capture_file_size_bytes", -1},
                                                           {"delete_every_nth_when_disk_full", -5},
                                                           {"disk_usage_deletion_threshold", 1.5},
                                                           {"capture_dir_deletion_threshold", -0.1},
                                                           {"capture_disabled", "no"},
                                                           {"sync_disabled", 1},
                                                           {"additional_sync_paths", "/one"},
                                                           {"selective_syncer_name", 5},
                                                           {"capture_dir", 5},
                                                           {"tags", {"a b"}},
                                                           {"capture_control_sensor", "boss"}}) {
    const auto config = Parse({{key, value}});
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << key;
    EXPECT_THAT(std::string(config.status().message()),
                HasSubstr(std::string("attributes.") + key));
  }
  EXPECT_THAT(std::string(Parse({{"tags", {"a b"}}}).status().message()), HasSubstr("\"a b\""));
}

TEST(CaptureMethodsTest, EveryFieldOfAMethodIsRead) {
  const auto read = MethodsOfCamera({{{"name", "rdk:component:sensor/somebody-else"},
                                      {"method", "ReadImage"},
                                      {"capture_frequency_hz", 0.5},
                                      {"capture_queue_size", 9},
                                      {"capture_buffer_size", 8192},
                                      {"capture_directory", "/nowhere"},
                                      {"additional_params", {{"mime_type", "image/png"}}},
                                      {"disabled", true},
                                      {"tags", {"door"}}}});
  EXPECT_THAT(read.problems, IsEmpty());
  ASSERT_THAT(read.methods, SizeIs(1));
  const CaptureMethod& method = read.methods[0];
  // A method belongs to the resource that it stands in.
  EXPECT_EQ(method.resource.ToString(), "rdk:component:camera/cam");
  EXPECT_EQ(method.method, "ReadImage");
  EXPECT_EQ(method.frequency_hz, 0.5);
  EXPECT_EQ(method.queue_size, 9u);
  EXPECT_EQ(method.parameters, (Json{{"mime_type", "image/png"}}));
  EXPECT_TRUE(method.disabled);
  EXPECT_THAT(method.tags, ElementsAre("door"));
}

TEST(CaptureMethodsTest, OneThatIsWrongIsLeftOutByNameAndTheOthersCount) {
  const auto read = MethodsOfCamera({{{"method", "ReadImage"}, {"capture_queue_size", -1}},
                                     "ReadImage",
                                     {{"capture_frequency_hz", 1}},
                                     {{"method", "ReadImage"}, {"additional_params", 5}},
                                     {{"method", "GetImages"}, {"capture_frequency_hz", 1}}});
  ASSERT_THAT(read.methods, SizeIs(1));
  EXPECT_EQ(read.methods[0].method, "GetImages");
  EXPECT_THAT(read.problems, ElementsAre(HasSubstr("capture_methods[0].capture_queue_size"),
                                         HasSubstr("capture_methods[1] is not an object"),
                                         HasSubstr("capture_methods[2].method"),
                                         HasSubstr("capture_methods[3].additional_params")));
  EXPECT_THAT(MethodsOfCamera("all").problems, ElementsAre(HasSubstr("is not a list")));
}

TEST(CaptureMethodsTest, ARemoteNamesTheResourcesOfItsMethods) {
  const auto with = [](const Json& service_configs) {
    return Methods(Json{
        {"remotes",
         {{{"name", "far"}, {"address", "localhost:1"}, {"service_configs", service_configs}}}}}
                       .dump());
  };
  const auto read = with({{{"type", "data_manager"},
                           {"attributes",
                            {{"capture_methods",
                              {{{"name", "rdk:component:camera/far:cam"}, {"method", "ReadImage"}},
                               {{"method", "ReadImage"}},
                               {{"name", "no name"}, {"method", "ReadImage"}}}}}}}});
  ASSERT_THAT(read.methods, SizeIs(1));
  EXPECT_EQ(read.methods[0].resource.name, "far:cam");
  EXPECT_THAT(read.problems, SizeIs(2));
  for (const Json& odd : {Json{{{"type", 5}, {"attributes", Json::object()}}}, Json{Json::array()},
                          Json{{{"type", "data_manager"}, {"attributes", "none"}}}}) {
    const auto nothing = with(odd);
    EXPECT_THAT(nothing.methods, IsEmpty());
    EXPECT_THAT(nothing.problems, ElementsAre(HasSubstr("remotes[0].service_configs[0]")));
  }
}

}  // namespace
}  // namespace bowerbird::capture
