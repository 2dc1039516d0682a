// SPDX-License-Identifier: Apache-2.0
#include "machine/graph_order.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::machine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ResourceName Named(const std::string& name) { return {kGenericComponentApi, name}; }

// {{"a", "bc"}}: a needs b and c.
Edges EdgesOf(const std::vector<std::pair<std::string, std::string>>& needs) {
  Edges edges;
  for (const auto& [name, needed] : needs) {
    auto& list = edges[Named(name)];
    for (const char c : needed) list.push_back(Named(std::string(1, c)));
  }
  return edges;
}

std::string Letters(const std::vector<ResourceName>& names) {
  std::string letters;
  for (const auto& name : names) letters += name.name;
  return letters;
}

TEST(OrderByNeed, PutsWhatIsNeededFirstAndTiesByName) {
  const Order order = OrderByNeed(EdgesOf({{"a", "c"}, {"b", ""}, {"c", "d"}, {"d", ""}}));
  EXPECT_EQ(Letters(order.sorted), "bdca");
  EXPECT_THAT(order.cycles, IsEmpty());
  EXPECT_THAT(order.behind_cycles, IsEmpty());
}

TEST(OrderByNeed, CountsADoubleNeedOnceAndLeavesUnknownOnesOut) {
  EXPECT_EQ(Letters(OrderByNeed(EdgesOf({{"a", "bbz"}, {"b", ""}})).sorted), "ba");
}

TEST(OrderByNeed, NamesTheCycleForEachMemberAndWhatIsBehind) {
  const Order order =
      OrderByNeed(EdgesOf({{"a", "b"}, {"b", "c"}, {"c", "a"}, {"d", "a"}, {"e", ""}, {"f", "f"}}));
  EXPECT_EQ(Letters(order.sorted), "e");
  ASSERT_THAT(order.cycles, SizeIs(4));
  EXPECT_EQ(Letters(order.cycles.at(Named("a"))), "abca");
  EXPECT_EQ(Letters(order.cycles.at(Named("c"))), "cabc");
  EXPECT_EQ(Letters(order.cycles.at(Named("f"))), "ff");
  EXPECT_EQ(Letters(order.behind_cycles), "d");
}

TEST(OrderByNeed, BetweenTwoCyclesIsNotInACycle) {
  const Order order =
      OrderByNeed(EdgesOf({{"a", "bc"}, {"b", "a"}, {"c", "d"}, {"d", "e"}, {"e", "d"}}));
  EXPECT_EQ(Letters(order.cycles.at(Named("a"))), "aba");
  EXPECT_EQ(Letters(order.cycles.at(Named("d"))), "ded");
  EXPECT_EQ(Letters(order.behind_cycles), "c");
}

TEST(OrderByNeed, HandlesALongChain) {
  Edges edges;
  const auto name = [](int i) { return Named(std::to_string(100000 + i)); };
  for (int i = 0; i < 20000; ++i) edges[name(i)] = {name(i + 1)};
  edges[name(20000)] = {};
  const Order order = OrderByNeed(edges);
  ASSERT_THAT(order.sorted, SizeIs(20001));
  EXPECT_EQ(order.sorted.front(), name(20000));
  EXPECT_EQ(order.sorted.back(), name(0));
}

TEST(NameIndex, ResolvesBareNamesWhereTheyAreUnique) {
  const ResourceName camera{kCameraApi, "x"}, sensor{kSensorApi, "x"}, only{kSensorApi, "y"};
  const NameIndex index({camera, sensor, only});
  EXPECT_EQ(*index.Resolve("y"), only);
  EXPECT_EQ(*index.Resolve("rdk:component:sensor/x"), sensor);
  const auto ambiguous = index.Resolve("x");
  EXPECT_EQ(ambiguous.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(ambiguous.status()),
              HasSubstr("write rdk:component:camera/x or rdk:component:sensor/x"));
  EXPECT_EQ(index.Resolve("z").status().code(), absl::StatusCode::kNotFound);
}

TEST(Reaches, FollowsNeedsAlsoInCircles) {
  const Edges edges = EdgesOf({{"a", "b"}, {"b", "c"}, {"c", "b"}, {"d", ""}});
  EXPECT_TRUE(Reaches(edges, Named("a"), Named("c")));
  EXPECT_TRUE(Reaches(edges, Named("a"), Named("a")));
  EXPECT_FALSE(Reaches(edges, Named("c"), Named("a")));
  EXPECT_FALSE(Reaches(edges, Named("d"), Named("a")));
  EXPECT_FALSE(Reaches(edges, Named("z"), Named("a"))) << "not known";
}

TEST(NameIndex, AnAliasIsAnotherTextForAName) {
  NameIndex index({Named("x")});
  index.AddAlias("far:x", Named("x"));
  index.AddAlias("far:x", Named("x"));
  EXPECT_EQ(*index.Resolve("far:x"), Named("x"));
  EXPECT_EQ(*index.Resolve("x"), Named("x"));
}

}  // namespace
}  // namespace bowerbird::machine
