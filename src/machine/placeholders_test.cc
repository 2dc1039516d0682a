// SPDX-License-Identifier: Apache-2.0
#include "machine/placeholders.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::machine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PlaceholdersTest : public testing::Test {
 protected:
  Config Parse(const std::string& text) {
    ConfigOptions options;
    options.file_name = "m.json";
    options.packages_dir = "/packages";
    options.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
    auto config = ParseConfig(text, options);
    EXPECT_TRUE(config.ok()) << config.status();
    return config.ok() ? *std::move(config) : Config();
  }

  // What `text` becomes as an attribute.
  std::string Replaced(const std::string& text) {
    const Config config = Parse(R"({"components": [{"name": "c", "api": "camera", "model": "fake",
        "attributes": {"a": )" + nlohmann::json(text).dump() +
                                R"(}}],
        "packages": [
          {"name": "net", "package": "abc-123/my.model", "version": "2024-05-01T00-00-00"},
          {"name": "net", "package": "abc/net", "version": "0.1.2", "type": "module"},
          {"name": "tool", "package": "abc/tool", "version": "1", "type": "archive"},
          {"name": "env", "package": "${ORG}/env", "version": "1"}]})");
    warnings_ = config.warnings;
    return config.resources.at(0).attributes.at("a").get<std::string>();
  }

  std::map<std::string, std::string> variables_{{"HOME", "/home/ada"}, {"EMPTY", ""},
                                                {"ORG", "acme"},       {"QUOTE", "a\"b\\c\nd"},
                                                {"W", "640"},          {"TRICK", "${HOME}"}};
  std::vector<std::string> warnings_;
};

TEST_F(PlaceholdersTest, PackagesBecomeFolders) {
  const std::string model = "/packages/data/ml_model/abc-123-my.model-2024-05-01T00-00-00";
  EXPECT_EQ(Replaced("${packages.ml_model.net}/m.tflite"), model + "/m.tflite");
  EXPECT_EQ(Replaced("${packages.net}"), model);
  EXPECT_EQ(Replaced("$${packages.net}"), model);
  EXPECT_EQ(Replaced("${packages.module.net}"), "/packages/data/module/abc-net-0_1_2");
  EXPECT_EQ(Replaced("${packages.tool}"), "/packages/data/archive/abc-tool-1");
  EXPECT_EQ(Replaced("${packages.env}"), "/packages/data/ml_model/acme-env-1");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(PlaceholdersTest, UnknownPackagesStayAndAreToldOf) {
  EXPECT_EQ(Replaced("${packages.none}/x"), "${packages.none}/x");
  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("m.json: components[0].attributes.a: the placeholder "
                                    "${packages.none} stays as it is")));
  EXPECT_EQ(Replaced("${packages.archive.net}"), "${packages.archive.net}");
  EXPECT_THAT(warnings_, testing::SizeIs(1));
}

TEST_F(PlaceholdersTest, VariablesAreReplaced) {
  EXPECT_EQ(Replaced("${HOME}/x ${environment.HOME} $${environment.HOME}"),
            "/home/ada/x /home/ada /home/ada");
  EXPECT_EQ(Replaced("${NONE:-fallback} ${EMPTY:-fallback} ${EMPTY-fallback} ${NONE-fallback}"),
            "fallback fallback  fallback");
  EXPECT_EQ(Replaced("${HOME:-x} ${NONE:-}"), "/home/ada ");
  EXPECT_EQ(Replaced("${QUOTE}"), "a\"b\\c\nd");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(PlaceholdersTest, UnsetVariablesAreEmptyAndToldOf) {
  EXPECT_EQ(Replaced("a${NONE}b"), "ab");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("the variable NONE is not set")));
  EXPECT_EQ(Replaced("${environment.NONE}"), "${environment.NONE}");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("${environment.NONE} stays as it is")));
}

TEST_F(PlaceholdersTest, OtherDollarSignsStay) {
  for (const char* text : {"$", "$$", "pa$word", "$HOME", "cost: 5$", "${", "${HOME", "$}", "a$$b"})
    EXPECT_EQ(Replaced(text), text);
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(Replaced("$${HOME}"), "${HOME}");
  EXPECT_EQ(Replaced("${not a name}"), "${not a name}");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("write ${VAR}")));
}

TEST_F(PlaceholdersTest, WhatReplacesIsNotSearchedAgain) {
  EXPECT_EQ(Replaced("${TRICK}"), "${HOME}");
}

TEST_F(PlaceholdersTest, VariablesOutsideStringsGiveNumbers) {
  const Config config = Parse(R"({"components": [{"name": "c", "api": "camera", "model": "fake",
      "attributes": {"width": ${W}, "height": ${H:-480}, "text": "\"${W}"}}]})");
  EXPECT_EQ(config.resources.at(0).attributes["width"], 640);
  EXPECT_EQ(config.resources.at(0).attributes["height"], 480);
  EXPECT_EQ(config.resources.at(0).attributes["text"], "\"640");
}

TEST_F(PlaceholdersTest, ReachEveryStringOfTheDocument) {
  const Config config = Parse(R"({
      "services": [{"name": "v", "type": "vision", "model": "mlmodel", "depends_on": ["${ORG}"],
                    "attributes": {"deep": [{"er": ["${HOME}"]}]}}],
      "modules": [{"name": "m", "executable_path": "${HOME}/run", "env": {"A": "${ORG}"}}],
      "network": {"bind_address": "${NONE:-localhost:9000}"}})");
  EXPECT_THAT(config.resources.at(0).depends_on, ElementsAre("acme"));
  EXPECT_EQ(config.resources.at(0).attributes["deep"][0]["er"][0], "/home/ada");
  EXPECT_EQ(config.modules.at(0).executable_path, "/home/ada/run");
  EXPECT_EQ(config.modules.at(0).env.at("A"), "acme");
  EXPECT_EQ(config.bind_address, "localhost:9000");
}

TEST_F(PlaceholdersTest, CannotMakeASmallFileLarge) {
  variables_["BIG"] = std::string(100'000, 'x');
  std::string text = R"({"components": [{"name": "c", "attributes": {"a": ")";
  for (int i = 0; i < 1000; ++i) text += "${BIG}";
  ConfigOptions options;
  options.variable = [this](const std::string& name) { return variables_[name]; };
  const auto config = ParseConfig(text + "\"}}]}", options);
  EXPECT_EQ(config.status().code(), absl::StatusCode::kResourceExhausted) << config.status();
  EXPECT_THAT(MessageOf(config.status()), HasSubstr("components[0].attributes.a"));
}

TEST_F(PlaceholdersTest, ManyOpenBracesTakeLinearTime) {
  std::string open;
  for (int i = 0; i < 500'000; ++i) open += "${";
  EXPECT_EQ(Replaced(open), open);
}

}  // namespace
}  // namespace bowerbird::machine
