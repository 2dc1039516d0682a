// SPDX-License-Identifier: Apache-2.0
//
// Models that come and go at run time (modules), resources that come from elsewhere (remotes), and
// resources that must be let go before they can be made again.
#include <atomic>

#include "gmock/gmock.h"
#include "machine/machine_fixture.h"

namespace bowerbird::machine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MachineForeign : public MachineTest {
 protected:
  std::shared_ptr<Resource> Remote(int value) {
    return std::make_shared<WidgetResource>(control_, "remote", value,
                                            std::map<std::string, std::shared_ptr<Resource>>());
  }
};

TEST_F(MachineForeign, AResourceOfAnUnknownApiIsFoundAndForwardable) {
  Apply({{"w", 4}});
  const auto found = machine_->Find(Widget("w"));
  ASSERT_TRUE(found.ok());
  const auto foreign = std::dynamic_pointer_cast<ForeignResource>(*found);
  ASSERT_NE(foreign, nullptr);
  EXPECT_EQ(foreign->remote_name(), "w");
  EXPECT_THAT(machine_->Names(), ElementsAre(Widget("w")));
}

TEST_F(MachineForeign, AModelThatComesLaterIsBuiltAtOnce) {
  MachineOptions options;
  options.retry_interval = std::chrono::hours(1);  // it must not be the retry that finds it
  machine_ = std::make_unique<Machine>(catalog_, metrics_, "/nowhere", options);
  catalog_.Remove(kWidgetApi, kWidgetModel);
  Apply({{"w", 4}, {"v", 1, {"w"}}});
  EXPECT_THAT(StateOf("w"), HasSubstr("no model of this API is known: a module must bring it"));
  catalog_.Add(WidgetEntry(control_));
  EXPECT_TRUE(Soon([&] { return Ready("v"); }));
  EXPECT_EQ(Answer("v")["w"]["value"], 4);
}

TEST_F(MachineForeign, WhatAModelBuiltGoesWithItAndComesBackWithIt) {
  Apply({{"w", 4}});
  catalog_.Remove(kWidgetApi, kWidgetModel);
  EXPECT_TRUE(Soon([&] { return !Ready("w"); }));
  EXPECT_TRUE(Soon([&] { return control_.alive == 0; }));
  EXPECT_THAT(MessageOf(machine_->Find(Widget("w")).status()), HasSubstr("unknown model"));
  catalog_.Add(WidgetEntry(control_));
  EXPECT_TRUE(Soon([&] { return Ready("w"); }));
}

TEST_F(MachineForeign, AModelThatIsReplacedRebuildsItsResources) {
  Apply({{"w", 4}, {"v", 1, {"w"}}});
  catalog_.Add(WidgetEntry(control_));
  EXPECT_TRUE(Soon([&] { return control_.built("w") == 2 && control_.built("v") >= 2; }));
  ASSERT_TRUE(Soon([&] { return StateOf("v") == "ready"; }));
  EXPECT_TRUE(Soon([&] { return control_.alive == 2; }));
}

TEST_F(MachineForeign, ResourcesOfRemotesAreFoundAndSatisfyDependencies) {
  Apply({{"w", 1, {"r-arm"}}});
  EXPECT_THAT(StateOf("w"), HasSubstr("unresolved dependencies"));
  machine_->SetExternal("r", {{Widget("r-arm"), Remote(7)}});
  ASSERT_TRUE(Soon([&] { return Ready("w"); }));
  EXPECT_EQ(Answer("w")["r-arm"]["value"], 7);
  EXPECT_EQ(Answer("r-arm")["value"], 7);
  // Connected again: another object of the same name.
  machine_->SetExternal("r", {{Widget("r-arm"), Remote(8)}});
  EXPECT_TRUE(Soon([&] { return Answer("w").is_object() && Answer("w")["r-arm"]["value"] == 8; }));
  machine_->SetExternal("r", {});
  EXPECT_TRUE(Soon([&] { return !Ready("w") && !Ready("r-arm"); }));
  EXPECT_TRUE(Soon([&] { return control_.alive == 0; }));
}

TEST_F(MachineForeign, TheConfigComesBeforeRemotesAndOneRemoteBeforeTheNext) {
  machine_->SetExternal("s", {{Widget("x"), Remote(2)}});
  machine_->SetExternal("r", {{Widget("x"), Remote(1)}});
  ASSERT_TRUE(Soon([&] { return Ready("x") && Answer("x")["value"] == 1; }));
  Apply({{"x", 5}});
  EXPECT_EQ(Answer("x")["value"], 5);
  Apply({});
  EXPECT_EQ(Answer("x")["value"], 1);
  machine_->SetExternal("r", {});
  EXPECT_TRUE(Soon([&] { return Ready("x") && Answer("x")["value"] == 2; }));
}

TEST_F(MachineForeign, ARemoteThatIsLostTakesItsResourcesAndSaysWhy) {
  Apply({{"w", 1, {"r:arm"}}});
  machine_->SetExternal("r", {{Widget("arm"), Remote(7)}});
  ASSERT_TRUE(Soon([&] { return Ready("w") && Answer("r:arm")["value"] == 7; }));
  machine_->SetExternal("r", {{Widget("arm"), nullptr}}, Unavailable("r does not answer"));
  ASSERT_TRUE(Soon([&] { return !Ready("arm") && !Ready("w"); }));
  EXPECT_THAT(MessageOf(machine_->Find(Widget("r:arm")).status()), HasSubstr("r does not answer"));
  EXPECT_THAT(StateOf("w"), HasSubstr("r does not answer"));
  machine_->SetExternal("r", {{Widget("arm"), Remote(8)}});
  EXPECT_TRUE(Soon([&] { return Ready("w") && Answer("w")["r:arm"]["value"] == 8; }));
}

TEST_F(MachineForeign, ANameThatIsTakenIsThereUnderTheLongOne) {
  Apply({{"x", 5}});
  machine_->SetExternal("r", {{Widget("x"), Remote(1)}, {Widget("y"), Remote(2)}});
  machine_->SetExternal("s", {{Widget("y"), Remote(3)}});
  ASSERT_TRUE(Soon([&] { return Ready("r:x") && Ready("s:y") && Ready("y"); }));
  EXPECT_EQ(Answer("x")["value"], 5);
  EXPECT_EQ(Answer("r:x")["value"], 1);
  EXPECT_EQ(Answer("y")["value"], 2);
  EXPECT_EQ(Answer("r:y")["value"], 2);
  EXPECT_EQ(Answer("s:y")["value"], 3);
  machine_->SetExternal("r", {});
  EXPECT_TRUE(Soon([&] { return Ready("y") && Answer("y")["value"] == 3; }));
}

TEST_F(MachineForeign, WhatIsOptionalIsNotWaitedForButUsedWhenItIsThere) {
  Apply({{"w", 1, {"extra?"}}});
  ASSERT_TRUE(Soon([&] { return Ready("w"); }));
  EXPECT_FALSE(Answer("w").contains("extra"));
  Apply({{"w", 1, {"extra?"}}, {"extra", 6}});
  ASSERT_TRUE(Soon([&] { return Ready("w") && Answer("w").contains("extra"); }));
  EXPECT_EQ(Answer("w")["extra"]["value"], 6);
  Apply({{"w", 1, {"extra?"}}, {"extra", 7}});
  ASSERT_TRUE(Soon([&] { return Answer("w")["extra"]["value"] == 7; }));
  control_.Break("extra", true);
  Apply({{"w", 1, {"extra?"}}, {"extra", 8}});
  EXPECT_TRUE(Soon([&] { return Ready("w") && !Answer("w").contains("extra"); }));
  Apply({{"w", 1, {"extra?"}}});
  EXPECT_TRUE(Soon([&] { return Ready("w") && !Answer("w").contains("extra"); }));
}

TEST_F(MachineForeign, TwoThatWishForEachOtherSettle) {
  Apply({{"a", 1, {"b?"}}, {"b", 2, {"a?"}}});
  ASSERT_TRUE(Soon([&] { return Ready("a") && Ready("b") && Answer("a").contains("b"); }));
  const int before = control_.built("a") + control_.built("b");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(control_.built("a") + control_.built("b"), before);
  EXPECT_FALSE(Answer("b").contains("a"));
}

class MachineExclusive : public MachineTest {
 protected:
  MachineExclusive() {
    ModelEntry entry = WidgetEntry(control_);
    entry.exclusive = true;
    auto build = entry.build;
    entry.build = [this, build](const BuildRequest& request) {
      if (request.config.name.name == "camera" && control_.alive > 0) overlapped_ = true;
      return build(request);
    };
    catalog_.Add(entry);
  }
  std::atomic<bool> overlapped_ = false;
};

TEST_F(MachineExclusive, TheOldOneIsGoneBeforeTheNewOneIsBuilt) {
  Apply({{"camera", 1}});
  for (int i = 2; i < 20; ++i) Apply({{"camera", i}});
  EXPECT_FALSE(overlapped_);
  EXPECT_EQ(Answer("camera")["value"], 19);
}

TEST_F(MachineExclusive, WhatNeedsItLetsGoAndCallsInFlightAreWaitedFor) {
  Apply({{"camera", 1}, {"user", 1, {"camera"}}});
  auto held = *machine_->Find(Widget("user"));
  machine_->Apply(WidgetsConfig({{"camera", 2}, {"user", 1, {"camera"}}}));
  ASSERT_TRUE(Soon([&] { return !Ready("camera") && !Ready("user"); }));
  EXPECT_EQ((*held->DoCommand({}, {}))["camera"]["value"], 1);
  EXPECT_EQ(control_.built("camera"), 1);
  held.reset();
  ASSERT_TRUE(machine_->WaitUntilApplied(Patience()).ok());
  EXPECT_FALSE(overlapped_);
  EXPECT_EQ(Answer("user")["camera"]["value"], 2);
}

class MachineImpatient : public MachineExclusive {
 protected:
  MachineImpatient() {
    MachineOptions options = FastOptions();
    options.release_timeout = std::chrono::milliseconds(30);
    machine_ = std::make_unique<Machine>(catalog_, metrics_, "/nowhere", options);
  }
};

TEST_F(MachineImpatient, ACallThatNeverEndsIsNotWaitedForForEver) {
  Apply({{"camera", 1}});
  const auto held = *machine_->Find(Widget("camera"));
  Apply({{"camera", 2}});
  EXPECT_EQ(Answer("camera")["value"], 2);
  EXPECT_EQ((*held->DoCommand({}, {}))["value"], 1);
}

}  // namespace
}  // namespace bowerbird::machine
