// SPDX-License-Identifier: Apache-2.0
//
// A machine while its config changes.
#include <atomic>
#include <thread>

#include "gmock/gmock.h"
#include "machine/machine_fixture.h"

namespace bowerbird::machine {
namespace {

using testing::HasSubstr;

class MachineChange : public MachineTest {};

TEST_F(MachineChange, RebuildsOnlyWhatChangedAndWhatNeedsIt) {
  Apply({{"base", 1}, {"middle", 2, {"base"}}, {"top", 3, {"middle"}}, {"other", 4}});
  Apply({{"base", 1}, {"middle", 20, {"base"}}, {"top", 3, {"middle"}}, {"other", 4}});
  EXPECT_EQ(control_.built("base"), 1);
  EXPECT_EQ(control_.built("middle"), 2);
  EXPECT_EQ(control_.built("top"), 2);
  EXPECT_EQ(control_.built("other"), 1);
  EXPECT_EQ(Answer("top")["middle"]["value"], 20);
}

TEST_F(MachineChange, TheSameConfigOrAnotherOrderRebuildsNothing) {
  Apply({{"a", 1}, {"b", 2, {"a"}}});
  Apply({{"a", 1}, {"b", 2, {"a"}}});
  Apply({{"b", 2, {"a"}}, {"a", 1}});
  EXPECT_EQ(control_.built("a"), 1);
  EXPECT_EQ(control_.built("b"), 1);
}

TEST_F(MachineChange, RemovedResourcesGoAndWhatNeedsThemIsTold) {
  Apply({{"a", 1}, {"b", 2, {"a"}}});
  Apply({{"b", 2, {"a"}}});
  EXPECT_EQ(machine_->Find(Widget("a")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(StateOf("b"), HasSubstr("unresolved dependencies"));
  EXPECT_TRUE(Soon([&] { return control_.alive == 0; }));
}

TEST_F(MachineChange, TheOldResourceServesUntilTheNewOneIsReady) {
  Apply({{"a", 1}, {"b", 2, {"a"}}});
  control_.Close("a", true);
  machine_->Apply(WidgetsConfig({{"a", 10}, {"b", 2, {"a"}}}));
  ASSERT_TRUE(Soon([&] { return control_.waiting() == 1; }));
  EXPECT_EQ(Answer("a")["value"], 1);
  EXPECT_EQ(Answer("b")["a"]["value"], 1);
  EXPECT_EQ(StatusOf("a").state, ResourceState::kConfiguring);
  control_.Close("a", false);
  ASSERT_TRUE(machine_->WaitUntilApplied(Patience()).ok());
  EXPECT_EQ(Answer("a")["value"], 10);
  EXPECT_EQ(Answer("b")["a"]["value"], 10);
  EXPECT_TRUE(Soon([&] { return control_.alive == 2; }));
}

TEST_F(MachineChange, TheOldResourceGoesWhereTheNewOneFails) {
  Apply({{"a", 1}, {"b", 2, {"a"}}});
  control_.Break("a", true);
  Apply({{"a", 10}, {"b", 2, {"a"}}});
  EXPECT_EQ(StateOf("a"), "the widget a is broken");
  EXPECT_FALSE(Ready("a"));
  EXPECT_FALSE(Ready("b"));
  EXPECT_TRUE(Soon([&] { return control_.alive == 0; }));
}

TEST_F(MachineChange, CallsInFlightKeepTheOldResource) {
  Apply({{"a", 1}, {"b", 2, {"a"}}});
  auto held = *machine_->Find(Widget("b"));
  Apply({{"a", 10}, {"b", 20, {"a"}}});
  // The old b with the old a, as long as someone holds it.
  EXPECT_TRUE(Soon([&] { return control_.alive == 4; }));
  EXPECT_EQ((*held->DoCommand({}, {}))["a"]["value"], 1);
  Apply({});
  EXPECT_EQ((*held->DoCommand({}, {}))["value"], 2);
  EXPECT_TRUE(Soon([&] { return control_.alive == 2; }));
  held.reset();
  EXPECT_EQ(control_.alive, 0);
}

TEST_F(MachineChange, AConfigThatComesDuringABuildWins) {
  control_.Close("a", true);
  machine_->Apply(WidgetsConfig({{"a", 1}}));
  ASSERT_TRUE(Soon([&] { return control_.waiting() == 1; }));
  machine_->Apply(WidgetsConfig({{"a", 2}}));
  // The first build is cancelled, and the second waits at the same gate.
  ASSERT_TRUE(Soon([&] { return control_.built("a") == 2; }));
  EXPECT_FALSE(Ready("a"));
  control_.Close("a", false);
  ASSERT_TRUE(machine_->WaitUntilApplied(Patience()).ok());
  EXPECT_EQ(Answer("a")["value"], 2);
  EXPECT_EQ(control_.alive, 1);
}

TEST_F(MachineChange, AResourceRemovedDuringItsBuildDoesNotAppear) {
  control_.Close("a", true);
  machine_->Apply(WidgetsConfig({{"a", 1}}));
  ASSERT_TRUE(Soon([&] { return control_.waiting() == 1; }));
  Apply({{"b", 1}});
  control_.Close("a", false);
  EXPECT_TRUE(Soon([&] { return control_.waiting() == 0 && control_.alive == 1; }));
  EXPECT_FALSE(Ready("a"));
}

TEST_F(MachineChange, ConcurrentCallsNeverFailWhileResourcesAreSwapped) {
  Apply({{"a", 1}, {"b", 1, {"a"}}, {"c", 1, {"b"}}});
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0, failures = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const auto found = machine_->Find(Widget("c"));
        const auto answer = found.ok() ? (*found)->DoCommand({}, {}) : found.status();
        // A destroyed widget would answer -1.
        const bool good = answer.ok() && (*answer)["value"] >= 1 && (*answer)["b"]["value"] >= 1 &&
                          (*answer)["b"]["a"]["value"] >= 1;
        ++calls;
        if (!good) ++failures;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  }
  for (int round = 2; round < 102; ++round)
    Apply({{"a", round}, {"b", 1 + round % 3, {"a"}}, {"c", 1, {"b"}}});
  stop = true;
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GT(calls, 100);
  EXPECT_EQ(Answer("c")["b"]["a"]["value"], 101);
  EXPECT_TRUE(Soon([&] { return control_.alive == 3; }));
}

class MachineSlowBuild : public MachineTest {
 protected:
  static MachineOptions Options() {
    MachineOptions options = FastOptions();
    options.build_timeout = std::chrono::milliseconds(100);
    options.max_builds = 2;
    return options;
  }
  MachineSlowBuild() : MachineTest(Options()) {
    ModelEntry entry = WidgetEntry(control_);
    entry.model.name = "deaf";
    // Looks at nothing but its gate: a build that hangs in a system call.
    entry.build = [this](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
      control_.CountBuilt(request.config.name.name);
      control_.WaitUntilOpen(request.config.name.name, {});
      return std::make_shared<WidgetResource>(control_, "deaf", 9, request.dependencies);
    };
    catalog_.Add(entry);
  }
  ~MachineSlowBuild() override {
    for (const char* name : {"x", "y", "z"}) control_.Close(name, false);
  }
};

TEST_F(MachineSlowBuild, BuildsThatHangAreToldOfAndHoldUpNothingElse) {
  for (const char* name : {"x", "y", "z"}) control_.Close(name, true);
  Config config = WidgetsConfig({{"x"}, {"y"}, {"z"}, {"zz", 5}, {"needs-x", 0, {"x"}}});
  for (size_t i = 0; i < 3; ++i) config.resources[i].model.name = "deaf";
  ApplyConfig(config);
  EXPECT_THAT(StateOf("x"), HasSubstr("has been building for more than 0 s"));
  EXPECT_EQ(StateOf("zz"), "ready");
  EXPECT_THAT(StateOf("needs-x"), HasSubstr("widget/x is not ready yet"));
  control_.Close("x", false);
  // What it built at last is taken.
  EXPECT_TRUE(Soon([&] { return Ready("needs-x"); }));
  EXPECT_EQ(Answer("needs-x")["x"]["value"], 9);
  EXPECT_EQ(control_.built("x"), 1);
}

TEST_F(MachineSlowBuild, AnOldResourceServesWhileItsReplacementHangs) {
  Config config = WidgetsConfig({{"x", 1}, {"y", 2, {"x"}}});
  config.resources[0].model.name = "deaf";
  ApplyConfig(config);
  control_.Close("x", true);
  config.resources[0].attributes["value"] = 3;
  ApplyConfig(config);
  EXPECT_TRUE(Ready("x"));
  EXPECT_TRUE(Ready("y"));
  EXPECT_THAT(StateOf("x"), HasSubstr("has been building"));
}

TEST_F(MachineSlowBuild, AChangeOfAConfigThatHangsIsBuiltNevertheless) {
  control_.Close("x", true);
  Config config = WidgetsConfig({{"x", 1}});
  config.resources[0].model.name = "deaf";
  ApplyConfig(config);
  Apply({{"x", 7}});  // the well-behaved model, at the same gate
  ASSERT_TRUE(Soon([&] { return control_.built("x") >= 2; }));
  control_.Close("x", false);
  ASSERT_TRUE(Soon([&] { return Ready("x"); }));
  EXPECT_EQ(Answer("x")["value"], 7);
  EXPECT_TRUE(Soon([&] { return control_.alive == 1; }));
}

}  // namespace
}  // namespace bowerbird::machine
