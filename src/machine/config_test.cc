// SPDX-License-Identifier: Apache-2.0
#include "machine/config.h"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::machine {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

absl::StatusOr<Config> Parse(std::string_view text) {
  ConfigOptions options;
  options.file_name = "machine.json";
  options.packages_dir = "/packages";
  options.variable = [](const std::string&) { return std::nullopt; };
  return ParseConfig(text, options);
}

std::string FailureOf(std::string_view text) {
  const auto config = Parse(text);
  if (config.ok()) return "no failure";
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return MessageOf(config.status());
}

// The problem of the only entry of the section.
std::string ProblemOf(const std::string& section, const std::string& entry) {
  const auto config = Parse("{\"" + section + "\": [" + entry + "]}");
  if (!config.ok()) return "whole config: " + MessageOf(config.status());
  if (config->resources.size() != 1) return "not one resource";
  return MessageOf(config->resources[0].problem);
}

TEST(Config, BothSpellingsOfAComponentMeanTheSame) {
  for (const char* text :
       {R"({"name": "c", "api": "rdk:component:camera", "model": "rdk:builtin:webcam"})",
        R"({"name": "c", "api": "camera", "model": "webcam"})",
        R"({"name": "c", "type": "camera", "model": "webcam"})",
        R"({"name": "c", "namespace": "rdk", "type": "camera", "model": "webcam"})",
        R"({"name": "c", "type": "rdk:component:camera", "model": "webcam"})",
        R"({"name": "c", "api": {"namespace": "rdk", "type": "component", "subtype": "camera"},
            "model": {"namespace": "rdk", "model_family": "builtin", "name": "webcam"}})"}) {
    const auto config = Parse(std::string("{\"components\": [") + text + "]}");
    ASSERT_TRUE(config.ok()) << text;
    ASSERT_THAT(config->resources, SizeIs(1));
    const ResourceConfig& resource = config->resources[0];
    EXPECT_TRUE(resource.problem.ok()) << text << ": " << resource.problem;
    EXPECT_EQ(resource.name.ToString(), "rdk:component:camera/c");
    EXPECT_EQ(resource.model.ToString(), "rdk:builtin:webcam");
    EXPECT_EQ(resource.path, "components[0]");
  }
}

TEST(Config, ServicesMayLeaveOutNameAndModel) {
  const auto config = Parse(R"({"services": [
      {"type": "data_manager"},
      {"name": "m", "api": "rdk:service:mlmodel", "model": "viam:mlmodel-tflite:tflite_cpu"},
      {"name": "v", "type": "vision", "model": "mlmodel"},
      {"name": "w", "namespace": "acme", "type": "widget", "model": "acme:x:y"}]})");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_THAT(config->resources, SizeIs(4));
  EXPECT_EQ(config->resources[0].name.ToString(), "rdk:service:data_manager/builtin");
  EXPECT_EQ(config->resources[0].model.ToString(), "rdk:builtin:builtin");
  EXPECT_EQ(config->resources[1].model.ToString(), "viam:mlmodel-tflite:tflite_cpu");
  EXPECT_EQ(config->resources[2].name.api, kVisionApi);
  EXPECT_EQ(config->resources[3].name.ToString(), "acme:service:widget/w");
  for (const auto& resource : config->resources) EXPECT_TRUE(resource.problem.ok());
}

TEST(Config, KeepsEverythingThatAnEntrySays) {
  const auto config = Parse(R"({"components": [{"name": "cam", "api": "rdk:component:camera",
      "model": "fake", "attributes": {"width": 640}, "depends_on": ["a", "rdk:component:sensor/b"],
      "frame": {"parent": "world"}, "log_configuration": {"level": "debug"}, "unknown": [1],
      "service_configs": [{"type": "data_manager", "attributes": {"capture_methods": []}}]}],
      "revision": "7", "debug": true})");
  ASSERT_TRUE(config.ok()) << config.status();
  const ResourceConfig& resource = config->resources.at(0);
  EXPECT_TRUE(resource.problem.ok()) << resource.problem;
  EXPECT_EQ(resource.attributes["width"], 640);
  EXPECT_THAT(resource.depends_on, ElementsAre("a", "rdk:component:sensor/b"));
  EXPECT_EQ(resource.frame["parent"], "world");
  EXPECT_EQ(resource.log_level, "debug");
  ASSERT_THAT(resource.service_configs, SizeIs(1));
  EXPECT_EQ(resource.service_configs[0].first, "data_manager");
  EXPECT_EQ(config->revision, "7");
  EXPECT_TRUE(config->debug);
}

TEST(Config, AFaultOfOneEntryIsKeptThere) {
  const std::string at = "machine.json: components[0]";
  const auto component = [](const std::string& text) { return ProblemOf("components", text); };
  EXPECT_EQ(component("7"), at + ": 7 is not an object");
  EXPECT_THAT(component(R"({"api": "camera", "model": "fake"})"),
              HasSubstr(at + ".name: is missing"));
  EXPECT_THAT(component(R"({"name": 1, "api": "camera", "model": "fake"})"),
              HasSubstr(at + ".name: 1 is not a string"));
  EXPECT_THAT(component(R"({"name": "a b", "api": "camera", "model": "fake"})"),
              HasSubstr(at + ".name: \"a b\" is not a name: use 1 to 60"));
  EXPECT_THAT(component(R"({"name": "a", "model": "fake"})"), HasSubstr(at + ".api: is missing"));
  EXPECT_THAT(component(R"({"name": "a", "api": "x:y", "model": "fake"})"),
              HasSubstr(at + ".api: \"x:y\" is not an API"));
  EXPECT_EQ(component(R"({"name": "a", "api": "rdk:service:vision", "model": "fake"})"),
            at + ".api: \"rdk:service:vision\" belongs into \"services\"");
  EXPECT_THAT(component(R"({"name": "a", "api": "camera"})"), HasSubstr(at + ".model: is missing"));
  EXPECT_THAT(component(R"({"name": "a", "api": "camera", "model": "a:b"})"),
              HasSubstr(at + ".model: \"a:b\" is not a model"));
  EXPECT_EQ(component(R"({"name": "a", "api": "camera", "model": "fake", "attributes": []})"),
            at + ".attributes: [] is not an object");
  EXPECT_EQ(component(R"({"name": "a", "api": "camera", "model": "fake", "depends_on": "b"})"),
            at + ".depends_on: \"b\" is not a list of strings");
  EXPECT_EQ(component(R"({"name": "a", "api": "camera", "model": "fake", "depends_on": [3]})"),
            at + ".depends_on[0]: 3 is not a string");
  EXPECT_EQ(component(R"({"name": "a", "api": "camera", "model": "fake", "service_configs": [0]})"),
            at + ".service_configs[0]: 0 is not an object");
}

TEST(Config, TheOtherEntriesStandWhenOneIsBroken) {
  const auto config = Parse(R"({"components": [{"name": "bad"},
      {"name": "good", "api": "rdk:component:sensor", "model": "fake"}]})");
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(config->resources.at(0).problem.ok());
  EXPECT_EQ(config->resources.at(0).name.name, "bad");
  EXPECT_TRUE(config->resources.at(1).problem.ok());
}

TEST(Config, ASecondOfTheSameNameAndApiIsTheFaultyOne) {
  const auto config = Parse(R"({"components": [
      {"name": "a", "api": "rdk:component:sensor", "model": "fake"},
      {"name": "a", "api": "rdk:component:generic", "model": "fake"},
      {"name": "a", "api": "rdk:component:sensor", "model": "fake"}]})");
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(config->resources[0].problem.ok());
  EXPECT_TRUE(config->resources[1].problem.ok());
  EXPECT_EQ(MessageOf(config->resources[2].problem),
            "machine.json: components[2].name: \"a\" is taken by components[0]: names must be "
            "unique per API");
}

TEST(Config, SyntaxErrorsTellLineAndColumn) {
  EXPECT_THAT(FailureOf("{\n  \"components\": [\n    {\"name\" \"a\"}\n  ]\n}"),
              HasSubstr("machine.json:3:13: not valid JSON: "));
  EXPECT_THAT(FailureOf("{} x"), HasSubstr("machine.json:1:4: "));
  EXPECT_THAT(FailureOf(""), HasSubstr("machine.json:1:1: not valid JSON: "));
  EXPECT_THAT(FailureOf("{\"a\": 1 // no comments\n}"), HasSubstr("machine.json:1:9: "));
  EXPECT_THAT(FailureOf("{\"a\": \"\xff\"}"), HasSubstr("machine.json:1:8: "));
  EXPECT_THAT(FailureOf("{\"a\": 1e999}"), HasSubstr("machine.json:1:11: "));
  EXPECT_THAT(FailureOf("[]"), HasSubstr("machine.json: holds [], not an object"));
  EXPECT_THAT(FailureOf(R"({"debug": true, "debug": false})"),
              HasSubstr("the key \"debug\" stands twice"));
}

TEST(Config, HostileNestingAndSizeAreRefused) {
  EXPECT_THAT(FailureOf(std::string(2'000'000, '[')), HasSubstr("nested deeper than 64 levels"));
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(FailureOf(objects), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(FailureOf(std::string(5u << 20, ' ')), HasSubstr("more than the allowed 4194304"));
  std::string many = "{\"components\": [0";
  for (int i = 0; i < 10'000; ++i) many += ",0";
  EXPECT_THAT(FailureOf(many + "]}"), HasSubstr("components: more than 10000 entries"));
}

TEST(Config, SectionsOfTheWrongTypeFailTheWhole) {
  EXPECT_EQ(FailureOf(R"({"components": {}})"),
            "machine.json: components: {} is not a list of objects");
  EXPECT_EQ(FailureOf(R"({"services": 3})"), "machine.json: services: 3 is not a list of objects");
  EXPECT_EQ(FailureOf(R"({"network": []})"), "machine.json: network: [] is not an object");
  EXPECT_EQ(FailureOf(R"({"debug": "yes"})"), "machine.json: debug: \"yes\" is not true or false");
  EXPECT_TRUE(Parse(R"({"components": null, "services": null, "network": null})").ok());
}

TEST(Config, ReadsTheNetworkSection) {
  const auto config = Parse(R"({"network": {"bind_address": "0.0.0.0:8080", "tls_cert_file": "c",
      "tls_key_file": "k", "no_tls": true, "sessions": {"heartbeat_window": "1.5s"}}})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->bind_address, "0.0.0.0:8080");
  EXPECT_EQ(config->tls_cert_file, "c");
  EXPECT_EQ(config->tls_key_file, "k");
  EXPECT_TRUE(config->no_tls);
  EXPECT_EQ(config->session_heartbeat_window, milliseconds(1500));
  EXPECT_EQ(Parse("{}")->bind_address, std::nullopt);
  EXPECT_EQ(Parse("{}")->session_heartbeat_window, milliseconds(2000));
  for (const char* window : {"\"29ms\"", "\"61s\"", "\"2\"", "\"s\"", "2", "\"-2s\"", "\"1.2.3s\"",
                             "\"99999999999h\"", "\"2 s\""}) {
    EXPECT_THAT(FailureOf("{\"network\": {\"sessions\": {\"heartbeat_window\": " +
                          std::string(window) + "}}}"),
                HasSubstr("network.sessions.heartbeat_window: "));
  }
  EXPECT_THAT(FailureOf(R"({"network": {"tls_cert_file": "c"}})"),
              HasSubstr("network.tls_key_file: is missing"));
}

TEST(Config, ReadsApiKeysAndRefusesHalfOnes) {
  const auto config = Parse(R"({"auth": {"handlers": [{"type": "api-key",
      "config": {"keys": ["id1"], "id1": "secret1"}}]}})");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_THAT(config->auth_handlers, SizeIs(1));
  EXPECT_EQ(config->auth_handlers[0].type, "api-key");
  EXPECT_THAT(config->auth_handlers[0].keys, ElementsAre(Pair("id1", "secret1")));

  const auto handler = [](const std::string& text) {
    return FailureOf("{\"auth\": {\"handlers\": [" + text + "]}}");
  };
  EXPECT_THAT(handler(R"({"type": "api-key"})"),
              HasSubstr("auth.handlers[0].config: holds no keys"));
  EXPECT_THAT(handler(R"({"type": "api-key", "config": {"keys": ["id1"]}})"),
              HasSubstr("\"id1\" has no key"));
  EXPECT_THAT(handler(R"({"config": {}})"), HasSubstr("auth.handlers[0].type: is missing"));
  EXPECT_THAT(handler("3"), HasSubstr("auth.handlers[0]: 3 is not an object"));
  // A secret of the wrong type is not repeated.
  const std::string message = handler(R"({"type": "api-key", "config": {"id1": [12345]}})");
  EXPECT_THAT(message, HasSubstr("auth.handlers[0].config.id1: the key is not"));
  EXPECT_THAT(message, testing::Not(HasSubstr("12345")));
}

TEST(Config, ReadsModulesRemotesAndPackages) {
  const auto config = Parse(R"({
      "modules": [{"name": "m", "type": "local", "executable_path": "/x", "env": {"A": "b"}},
                  {"name": "parent", "executable_path": "/x"}, {"name": "m", "executable_path": "/y"}],
      "remotes": [{"name": "r", "address": "host:8080", "prefix": "r-"}, {"name": "s"}],
      "packages": [{"name": "p", "package": "org/p", "version": "1.0", "type": "ml_model"},
                   {"name": "q", "package": "../../etc", "version": "1", "type": "archive"},
                   {"name": "t", "package": "x", "type": "toy"}]})");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_THAT(config->modules, SizeIs(3));
  EXPECT_TRUE(config->modules[0].problem.ok());
  EXPECT_THAT(config->modules[0].env, ElementsAre(Pair("A", "b")));
  EXPECT_THAT(MessageOf(config->modules[1].problem), HasSubstr("modules[1].name: \"parent\""));
  EXPECT_THAT(MessageOf(config->modules[2].problem),
              HasSubstr("\"m\" stands twice in \"modules\""));
  EXPECT_EQ(config->remotes.at(0).prefix, "r-");
  EXPECT_THAT(MessageOf(config->remotes.at(1).problem),
              HasSubstr("remotes[1].address: is missing"));
  EXPECT_TRUE(config->packages.at(0).problem.ok());
  EXPECT_THAT(MessageOf(config->packages.at(1).problem), HasSubstr("packages[1].package: "));
  EXPECT_THAT(MessageOf(config->packages.at(2).problem),
              HasSubstr("packages[2].type: \"toy\" is not one of \"ml_model\""));
}

TEST(Config, WarnsOfWhatItIgnores) {
  const auto config =
      Parse(R"({"compnents": [], "processes": [{"id": "x"}], "log": [], "jobs": []})");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->warnings, ElementsAre("machine.json: compnents: unknown, ignored",
                                            HasSubstr("machine.json: processes: ignored; ")));
  EXPECT_THAT(Parse(R"({"components": [], "revision": "x"})")->warnings, IsEmpty());
}

TEST(Config, SameAsLooksAtWhatARebuildDependsOn) {
  const auto entry = [](const std::string& more) {
    return Parse(R"({"components": [{"name": "a", "api": "camera", "model": "fake")" + more + "}]}")
        ->resources.at(0);
  };
  const ResourceConfig base = entry("");
  ResourceConfig moved = base;
  moved.path = "components[5]";
  EXPECT_TRUE(base.SameAs(moved));
  EXPECT_TRUE(base.SameAs(entry(R"(, "attributes": {})")));
  EXPECT_TRUE(base.SameAs(entry(R"(, "service_configs": [{"type": "data_manager"}])")));
  EXPECT_FALSE(base.SameAs(entry(R"(, "attributes": {"width": 3})")));
  EXPECT_FALSE(base.SameAs(entry(R"(, "depends_on": ["b"])")));
  EXPECT_FALSE(base.SameAs(entry(R"(, "frame": {"parent": "world"})")));
  EXPECT_TRUE(entry(R"(, "attributes": {"w": 1.0})").SameAs(entry(R"(, "attributes": {"w": 1})")));
}

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/config_test.XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(ConfigFile, IsNamedByItsPathInMessages) {
  const std::string path = folder_ + "/robot.json";
  std::ofstream(path) << "{";
  EXPECT_THAT(MessageOf(ReadConfig(path, {}).status()), HasSubstr(path + ":1:2: not valid JSON"));
}

TEST_F(ConfigFile, MustBeARegularFileThatIsThere) {
  EXPECT_EQ(ReadConfig(folder_ + "/none.json", {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(ReadConfig(folder_, {}).status()), HasSubstr("is not a regular file"));
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(MessageOf(ReadConfig(pipe, {}).status()), HasSubstr("is not a regular file"));
}

TEST_F(ConfigFile, OfFiveMegabytesIsRefused) {
  const std::string path = folder_ + "/large.json";
  std::ofstream(path) << std::string(5u << 20, ' ');
  EXPECT_THAT(MessageOf(ReadConfig(path, {}).status()), HasSubstr("more than the allowed"));
}

}  // namespace
}  // namespace bowerbird::machine
