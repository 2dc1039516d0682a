// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.h"

#include "gmock/gmock.h"
#include "machine/machine_fixture.h"

namespace bowerbird::machine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string Needs(const std::string& name) { return "acme:component:widget/" + name; }

TEST_F(MachineTest, IsNotRunningUntilTheFirstConfigIsGoneThrough) {
  EXPECT_FALSE(machine_->Status().running);
  EXPECT_TRUE(machine_->WaitUntilApplied(Patience()).ok());  // nothing applied yet
  control_.Close("a", true);
  machine_->Apply(WidgetsConfig({{"a"}}));
  ASSERT_TRUE(Soon([&] { return control_.waiting() == 1; }));
  EXPECT_FALSE(machine_->Status().running);
  EXPECT_EQ(StatusOf("a").state, ResourceState::kConfiguring);
  const auto context = Context().WithTimeout(std::chrono::milliseconds(20));
  EXPECT_EQ(machine_->WaitUntilApplied(context).code(), absl::StatusCode::kDeadlineExceeded);
  control_.Close("a", false);
  EXPECT_TRUE(machine_->WaitUntilApplied(Patience()).ok());
  EXPECT_TRUE(machine_->Status().running);
  EXPECT_EQ(StateOf("a"), "ready");
}

TEST_F(MachineTest, BuildsInTheOrderOfDependencies) {
  Apply({{"a", 1, {"b"}}, {"b", 2, {}, {Needs("c")}}, {"c", 3}});
  EXPECT_EQ(Answer("a"), Json::parse(R"({"value": 1,
                            "b": {"value": 2, "acme:component:widget/c": {"value": 3}}})"));
  EXPECT_THAT(machine_->Names(), ElementsAre(Widget("a"), Widget("b"), Widget("c")));
  EXPECT_EQ(machine_->All().size(), 3u);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(control_.built(name), 1);
}

TEST_F(MachineTest, FindTellsWhatIsUnknownAndWhatIsNotReady) {
  control_.Break("a", true);
  Apply({{"a"}});
  const auto unknown = machine_->Find({kCameraApi, "x"});
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(unknown.status()), "no node found with api rdk:component:camera and name x");
  const auto broken = machine_->Find(Widget("a"));
  EXPECT_EQ(broken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(MessageOf(broken.status()),
            "resource acme:component:widget/a not available; reason=the widget a is broken");
  EXPECT_THAT(machine_->Names(), IsEmpty());
}

TEST_F(MachineTest, ABrokenResourceStopsOnlyWhatNeedsIt) {
  control_.Break("b", true);
  Apply({{"a", 1, {"b"}}, {"b"}, {"c"}, {"top", 0, {"a"}}});
  EXPECT_EQ(StateOf("b"), "the widget b is broken");
  EXPECT_EQ(StateOf("a"),
            "dependency acme:component:widget/b is not ready yet (the widget b is broken)");
  EXPECT_EQ(StateOf("top"), "dependency acme:component:widget/a is not ready yet");
  EXPECT_EQ(StateOf("c"), "ready");
  EXPECT_EQ(StatusOf("a").state, ResourceState::kUnhealthy);
  EXPECT_THAT(metrics_.Text(), HasSubstr("bowerbird_resources{state=\"unhealthy\"} 3"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("bowerbird_resources{state=\"ready\"} 1"));
}

TEST_F(MachineTest, ABrokenResourceIsTriedAgainUntilItWorks) {
  control_.Break("b", true);
  Apply({{"a", 1, {"b"}}, {"b"}});
  ASSERT_TRUE(Soon([&] { return control_.built("b") >= 3; }));
  EXPECT_EQ(control_.built("a"), 0);
  control_.Break("b", false);
  EXPECT_TRUE(Soon([&] { return Ready("a") && Ready("b"); }));
  EXPECT_EQ(StateOf("a"), "ready");
}

TEST_F(MachineTest, FaultsOfAttributesNameFileAndPath) {
  Apply({{"a"}, {"b", 5000}});
  EXPECT_EQ(StateOf("b"),
            "machine.json: components[1].attributes.value: 5000 is not a whole number from 0 to "
            "1000");
  EXPECT_EQ(StateOf("a"), "ready");
}

TEST_F(MachineTest, MissingDependenciesAreNamed) {
  Apply({{"a", 0, {"x"}, {"y", "b"}}, {"b"}});
  EXPECT_EQ(StateOf("a"),
            "resource has unresolved dependencies not found in machine config or connected "
            "remotes: y, x");
  EXPECT_EQ(StateOf("b"), "ready");
  Apply({{"a", 0, {"x"}, {"y", "b"}}, {"b"}, {"x"}, {"y"}});
  EXPECT_EQ(StateOf("a"), "ready");
}

TEST_F(MachineTest, CyclesAreNamedForEachOfTheirMembers) {
  Apply({{"a", 0, {"b"}},
         {"b", 0, {"c"}},
         {"c", 0, {"a"}},
         {"d", 0, {"a"}},
         {"e"},
         {"self", 0, {"self"}}});
  const auto text = [](const std::string& letters) {
    std::string way;
    for (const char c : letters)
      way += (way.empty() ? "" : " -> ") + ("acme:component:widget/" + std::string(1, c));
    return "the dependencies form a cycle: " + way;
  };
  EXPECT_EQ(StateOf("a"), text("abca"));
  EXPECT_EQ(StateOf("b"), text("bcab"));
  EXPECT_EQ(StateOf("c"), text("cabc"));
  EXPECT_EQ(StateOf("d"), "dependency acme:component:widget/a is not ready yet");
  EXPECT_EQ(StateOf("e"), "ready");
  EXPECT_THAT(StateOf("self"), StartsWith("depends on itself"));
  // Cut open, it works.
  Apply({{"a", 0, {"b"}}, {"b", 0, {"c"}}, {"c"}, {"d", 0, {"a"}}});
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(StateOf(name), "ready") << name;
}

TEST_F(MachineTest, AmbiguousBareNamesAreToldWithTheirCandidates) {
  ModelEntry other = WidgetEntry(control_);
  other.api = {"acme", "component", "gadget"};
  catalog_.Add(other);
  Config config = WidgetsConfig({{"a", 0, {"twin"}}, {"twin"}});
  config.resources.push_back(config.resources[1]);
  config.resources[2].name.api = other.api;
  ApplyConfig(config);
  EXPECT_EQ(StateOf("a"),
            "the dependency \"twin\" is ambiguous: write acme:component:gadget/twin or "
            "acme:component:widget/twin");
}

TEST_F(MachineTest, EntriesThatAreNoResourcesAreShownWithTheirFault) {
  auto config = ParseConfig(
      R"({"components": [{"name": "a", "api": "acme:component:widget", "model": "acme:test:widget"},
                         {"name": "a", "api": "acme:component:widget", "model": "acme:test:widget"},
                         {"name": "no model", "api": "acme:component:widget"}, 7,
                         {"name": "z", "api": "rdk:component:arm", "model": "acme:test:nothing"}]})",
      {"m.json", "", nullptr});
  ApplyConfig(*config);
  EXPECT_EQ(StateOf("a"), "ready");
  EXPECT_THAT(StateOf("no model"),
              HasSubstr("m.json: components[2].name: \"no model\" is not a name"));
  EXPECT_EQ(StateOf("components[3]"), "m.json: components[3]: 7 is not an object");
  EXPECT_THAT(StateOf("z"), HasSubstr("unknown model acme:test:nothing of rdk:component:arm"));
  const auto status = machine_->Status();
  ASSERT_EQ(status.resources.size(), 5u);
  EXPECT_THAT(status.resources.back().error, HasSubstr("components[1].name: \"a\" is taken"));
}

TEST_F(MachineTest, AnUnknownModelListsTheKnownOnes) {
  Config config = WidgetsConfig({{"a"}});
  config.resources[0].model = {"acme", "test", "wigdet"};
  ApplyConfig(config);
  EXPECT_EQ(StateOf("a"),
            "unknown model acme:test:wigdet of acme:component:widget; known: acme:test:widget");
}

TEST_F(MachineTest, AModelThatThrowsOrBuildsNothingIsAFaultOfItsResource) {
  ModelEntry entry = WidgetEntry(control_);
  entry.model = {"acme", "test", "thrower"};
  entry.validate = nullptr;
  entry.build = [](const BuildRequest&) -> absl::StatusOr<std::shared_ptr<Resource>> {
    throw std::runtime_error("a rule was broken");
  };
  catalog_.Add(entry);
  entry.model = {"acme", "test", "nothing"};
  entry.build = [](const BuildRequest&) { return std::shared_ptr<Resource>(); };
  catalog_.Add(entry);
  Config config = WidgetsConfig({{"a"}, {"b"}, {"c"}});
  config.resources[0].model.name = "thrower";
  config.resources[1].model.name = "nothing";
  ApplyConfig(config);
  EXPECT_THAT(StateOf("a"), HasSubstr("failed unexpectedly: a rule was broken"));
  EXPECT_THAT(StateOf("b"), HasSubstr("built nothing"));
  EXPECT_EQ(StateOf("c"), "ready");
}

TEST_F(MachineTest, StatusTellsRevisionAndTimes) {
  const auto before = std::chrono::system_clock::now();
  Config config = WidgetsConfig({{"a"}});
  config.revision = "r1";
  ApplyConfig(config);
  const auto first = machine_->Status();
  EXPECT_EQ(first.revision, "r1");
  EXPECT_GE(first.config_updated, before);
  ASSERT_EQ(first.resources.size(), 1u);
  EXPECT_EQ(first.resources[0].revision, "r1");
  EXPECT_GE(first.resources[0].last_updated, before);
  config.revision = "r2";
  ApplyConfig(config);
  const auto second = machine_->Status();
  EXPECT_EQ(second.revision, "r2");
  EXPECT_EQ(machine_->config()->revision, "r2");
  // The resource is still the one of the first.
  EXPECT_EQ(second.resources.at(0).revision, "r1");
  EXPECT_EQ(second.resources.at(0).last_updated, first.resources[0].last_updated);
}

TEST_F(MachineTest, EndsEverythingInTheEnd) {
  Apply({{"a", 1, {"b"}}, {"b"}, {"c"}});
  EXPECT_EQ(control_.alive, 3);
  machine_.reset();
  EXPECT_EQ(control_.alive, 0);
}

TEST_F(MachineTest, EndsWhileBuildsAreUnderWay) {
  control_.Close("a", true);
  machine_->Apply(WidgetsConfig({{"a"}, {"b", 0, {"a"}}}));
  ASSERT_TRUE(Soon([&] { return control_.waiting() == 1; }));
  machine_.reset();
  EXPECT_EQ(control_.alive, 0);
}

}  // namespace
}  // namespace bowerbird::machine
