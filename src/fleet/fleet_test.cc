// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet.h"

#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/postgresql_server.h"

namespace bowerbird::fleet {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class FleetTest : public testing::TestWithParam<store::Engine> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/fleet_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    location_ = "sqlite:" + folder_ + "/bowerbird.db";
    if (GetParam() == store::Engine::kPostgresql) {
      const auto server = store::PostgresqlServer::Get();
      if (absl::IsNotFound(server.status())) GTEST_SKIP() << server.status().message();
      ASSERT_TRUE(server.ok()) << server.status();
      const auto uri = (*server)->CreateDatabase();
      ASSERT_TRUE(uri.ok()) << uri.status();
      location_ = *uri;
    }
    Open();
  }
  void TearDown() override {
    fleet_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    fleet_.reset();
    database_.reset();
    auto database = store::OpenDatabase({.location = location_, .migrations = {}});
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto opened =
        Fleet::Open({.database = database_.get(), .now = [this] { return now_ += kSecond; }});
    ASSERT_TRUE(opened.ok()) << opened.status();
    fleet_ = std::make_unique<Fleet>(*std::move(opened));
  }

  Fleet& fleet() { return *fleet_; }
  const Local& local() { return fleet_->local(); }

  static Principal With(ResourceKind kind, const std::string& id, Role role) {
    return {.name = "k", .authorizations = {{.role = role, .kind = kind, .resource_id = id}}};
  }

  static constexpr std::chrono::seconds kSecond{1};
  std::string folder_, location_;
  Time now_{};
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_P(FleetTest, TheFirstStartMakesOneOfEachWhoseIdsStayTheSame) {
  const Local first = local();
  const auto part = fleet().FindPart(first.part_id);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_TRUE(part->main);
  EXPECT_EQ(part->organization_id, first.organization_id);
  EXPECT_EQ(part->location_id, first.location_id);
  EXPECT_EQ(part->robot_id, first.robot_id);
  EXPECT_EQ(first.part_id.size(), 36u);
  Open();
  EXPECT_EQ(local().organization_id, first.organization_id);
  EXPECT_EQ(local().part_id, first.part_id);
  EXPECT_THAT(*fleet().Organizations(), SizeIs(1));
}

TEST_P(FleetTest, PlacesAndMachinesAreMadeFoundRenamedAndDeleted) {
  const auto site = fleet().CreateLocation(local().organization_id, "site", "");
  ASSERT_TRUE(site.ok()) << site.status();
  const auto hall = fleet().CreateLocation(local().organization_id, "hall", site->id);
  ASSERT_TRUE(hall.ok()) << hall.status();
  const auto robot = fleet().CreateRobot(hall->id, "arm");
  ASSERT_TRUE(robot.ok()) << robot.status();
  EXPECT_EQ(fleet().FindLocation(hall->id)->robot_count, 1);
  auto parts = fleet().Parts(robot->id);
  ASSERT_THAT(*parts, SizeIs(1));
  EXPECT_EQ(parts->front().name, "arm-main");

  Robot moved = *robot;
  moved.name = "second arm";
  moved.location_id = site->id;
  ASSERT_TRUE(fleet().UpdateRobot(moved).ok());
  EXPECT_EQ(fleet().FindPart(parts->front().id)->robot_name, "second arm");
  EXPECT_EQ(fleet().FindPart(parts->front().id)->location_id, site->id);

  const auto extra = fleet().CreatePart(robot->id, "gripper");
  ASSERT_TRUE(extra.ok()) << extra.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(fleet().DeleteRobot(robot->id)));
  EXPECT_TRUE(fleet().DeletePart(extra->id).ok());
  EXPECT_TRUE(fleet().DeleteRobot(robot->id).ok());
  EXPECT_TRUE(absl::IsNotFound(fleet().FindRobot(robot->id).status()));
  EXPECT_TRUE(absl::IsNotFound(fleet().FindPart(parts->front().id).status()));
  EXPECT_TRUE(fleet().DeleteLocation(hall->id).ok());
  EXPECT_THAT(*fleet().Locations(local().organization_id), SizeIs(2));
}

TEST_P(FleetTest, WhatIsNotEmptyOrTheServersOwnIsNotDeleted) {
  const auto site = fleet().CreateLocation(local().organization_id, "site", "");
  ASSERT_TRUE(fleet().CreateLocation(local().organization_id, "hall", site->id).ok());
  const auto refused = fleet().DeleteLocation(site->id);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("1 locations in it"));
  EXPECT_TRUE(absl::IsFailedPrecondition(fleet().DeleteLocation(local().location_id)));
  EXPECT_TRUE(absl::IsFailedPrecondition(fleet().DeleteRobot(local().robot_id)));
  EXPECT_TRUE(absl::IsFailedPrecondition(fleet().DeletePart(local().part_id)));
}

TEST_P(FleetTest, NamesAreCheckedAndUniqueAmongSiblings) {
  EXPECT_TRUE(absl::IsInvalidArgument(fleet().CreateOrganization("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(fleet().CreateOrganization("a\nb").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(fleet().CreateOrganization(std::string(201, 'a')).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(fleet().CreateOrganization("local").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(fleet().CreateRobot(local().location_id, "local").status()));
  const auto site = fleet().CreateLocation(local().organization_id, "site", "");
  EXPECT_TRUE(fleet().CreateRobot(site->id, "local").ok());
}

TEST_P(FleetTest, ALocationCannotBePutBelowItselfOrIntoAnotherOrganization) {
  const auto outer = fleet().CreateLocation(local().organization_id, "outer", "");
  const auto inner = fleet().CreateLocation(local().organization_id, "inner", outer->id);
  Location changed = *outer;
  changed.parent_id = inner->id;
  EXPECT_TRUE(absl::IsInvalidArgument(fleet().UpdateLocation(changed)));
  const auto other = fleet().CreateOrganization("other");
  EXPECT_TRUE(
      absl::IsInvalidArgument(fleet().CreateLocation(other->id, "below", outer->id).status()));
  const auto elsewhere = fleet().CreateLocation(other->id, "elsewhere", "");
  Robot robot = *fleet().FindRobot(local().robot_id);
  robot.location_id = elsewhere->id;
  EXPECT_TRUE(absl::IsInvalidArgument(fleet().UpdateRobot(robot)));
}

TEST_P(FleetTest, ARoleHoldsForEverythingBelowAndNothingBeside) {
  const auto other = fleet().CreateOrganization("other");
  const Principal owner = With(ResourceKind::kOrganization, local().organization_id, Role::kOwner);
  EXPECT_TRUE(fleet().Check(owner, ResourceKind::kRobot, local().robot_id, Role::kOwner).ok());
  EXPECT_TRUE(absl::IsNotFound(
      fleet().Check(owner, ResourceKind::kOrganization, other->id, Role::kOperator)));
  EXPECT_THAT(*fleet().OrganizationsOf(owner), SizeIs(1));
  EXPECT_THAT(*fleet().OrganizationsOf({.name = "all", .unrestricted = true}), SizeIs(2));
  EXPECT_THAT(*fleet().OrganizationsOf({.name = "none"}), SizeIs(0));
}

TEST_P(FleetTest, AnOperatorSeesButDoesNotChange) {
  const Principal guest = With(ResourceKind::kLocation, local().location_id, Role::kOperator);
  EXPECT_TRUE(fleet().Check(guest, ResourceKind::kRobot, local().robot_id, Role::kOperator).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(
      fleet().Check(guest, ResourceKind::kRobot, local().robot_id, Role::kOwner)));
  // It knows of the organization that it is in, but has no role on it.
  EXPECT_TRUE(*fleet().Sees(guest, ResourceKind::kOrganization, local().organization_id));
  EXPECT_TRUE(absl::IsPermissionDenied(
      fleet().Check(guest, ResourceKind::kOrganization, local().organization_id, Role::kOperator)));
}

TEST_P(FleetTest, AKeyOfADeletedMachineSeesNothing) {
  const auto robot = fleet().CreateRobot(local().location_id, "gone");
  const Principal key = With(ResourceKind::kRobot, robot->id, Role::kOwner);
  EXPECT_TRUE(*fleet().Sees(key, ResourceKind::kOrganization, local().organization_id));
  ASSERT_TRUE(fleet().DeleteRobot(robot->id).ok());
  EXPECT_FALSE(*fleet().Sees(key, ResourceKind::kOrganization, local().organization_id));
  EXPECT_THAT(*fleet().OrganizationsOf(key), SizeIs(0));
}

TEST_P(FleetTest, ADatabaseOfANewerProgramIsRefused) {
  ASSERT_TRUE(database_
                  ->Write([](store::Connection& connection) {
                    return connection
                        .Execute("INSERT INTO fleet_version(version) VALUES ($1)", {int64_t{99}})
                        .status();
                  })
                  .ok());
  const auto opened = Fleet::Open({.database = database_.get()});
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status()));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("newer program"));
}

INSTANTIATE_TEST_SUITE_P(Engines, FleetTest,
                         testing::Values(store::Engine::kSqlite, store::Engine::kPostgresql),
                         [](const auto& engine) {
                           return engine.param == store::Engine::kSqlite ? "Sqlite" : "Postgresql";
                         });

TEST(Authorization, WordsAreThoseOfTheWire) {
  EXPECT_EQ(RoleNamed("owner"), Role::kOwner);
  EXPECT_EQ(RoleNamed("operator"), Role::kOperator);
  EXPECT_EQ(RoleNamed("Owner"), std::nullopt);
  EXPECT_EQ(ResourceKindNamed("robot"), ResourceKind::kRobot);
  EXPECT_EQ(ResourceKindNamed(""), std::nullopt);
}

}  // namespace
}  // namespace bowerbird::fleet
