// SPDX-License-Identifier: Apache-2.0
#include "data/upkeep.h"

#include <fstream>

#include "base/sha256.h"
#include "data/testing_catalog.h"

namespace bowerbird::data {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;

class UpkeepTest : public CatalogTest {
 protected:
  std::string BlobPath(const std::string& hash) const {
    return folder_ + "/data/blobs/" + hash.substr(0, 2) + "/" + hash;
  }
  VerifyProgress Verify(bool quick) {
    VerifyProgress whole;
    const absl::Status status =
        catalog_->upkeep().Verify(caller_, quick, [&](const VerifyProgress& progress) {
          auto problems = std::move(whole.problems);
          problems.insert(problems.end(), progress.problems.begin(), progress.problems.end());
          whole = progress;
          whole.problems = std::move(problems);
          return absl::OkStatus();
        });
    EXPECT_TRUE(status.ok()) << status;
    return whole;
  }
  static void Age(const std::string& path) {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, UpkeepTest,
                         Values(store::Engine::kSqlite, store::Engine::kPostgresql), EngineName);

TEST_P(UpkeepTest, VerifyNamesEveryMissingAndAlteredFile) {
  const std::string good = Add(1);
  const std::string altered = Add(2);
  const std::string shared = Add(ItemAt(3), "gone");
  const std::string also = Add(ItemAt(4), "gone");
  EXPECT_TRUE(Verify(false).problems.empty());
  const std::string path = BlobPath(Get(altered).content_hash);
  { std::fstream(path, std::ios::in | std::ios::out) << "X"; }
  std::filesystem::remove(BlobPath(Sha256Hex(std::string("gone"))));
  const VerifyProgress full = Verify(false);
  EXPECT_EQ(full.checked, 4u);
  EXPECT_EQ(full.total, 4u);
  std::vector<std::string> named;
  for (const ItemProblem& problem : full.problems) named.push_back(problem.id);
  std::sort(named.begin(), named.end());
  Texts expected = {altered, shared, also};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(named, expected);
  // Without reading, only what is missing or has another size is seen.
  EXPECT_EQ(Verify(true).problems.size(), 2u);
  std::filesystem::resize_file(path, 3);
  EXPECT_EQ(Verify(true).problems.size(), 3u);
}

TEST_P(UpkeepTest, VerifyLooksAtManifestsToo) {
  const std::string set = *catalog_->datasets().Create(caller_, "set");
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set, Texts{Add(1)}).ok());
  const auto snapshot = catalog_->snapshots().Create(caller_, set, "", std::nullopt);
  ASSERT_TRUE(snapshot.ok());
  std::filesystem::remove(BlobPath(snapshot->snapshot.id));
  const VerifyProgress progress = Verify(false);
  ASSERT_EQ(progress.problems.size(), 1u);
  EXPECT_EQ(progress.problems[0].id, "snapshot " + snapshot->snapshot.id);
}

TEST_P(UpkeepTest, FilesWithoutAnItemAreFoundAndCollectedAfterTheirGrace) {
  const std::string id = Add(1);
  Age(BlobPath(Get(id).content_hash));
  // What an upload that was cut off leaves: content without a row. Small content that fails is
  // taken away at once.
  const std::string content(500'000, 'c');
  files_.Add({.operation = FileOperation::kSyncDirectory, .path = "/blobs/", .error = EIO});
  ASSERT_FALSE(catalog_->items().Add(caller_, ItemAt(2), content).ok());
  const std::string orphan = Sha256Hex(content);
  EXPECT_TRUE(Verify(true).files_without_item.empty());
  EXPECT_EQ(*catalog_->upkeep().CollectGarbage(), 0u);
  Age(BlobPath(orphan));
  EXPECT_EQ(Verify(true).files_without_item, Texts{orphan});
  EXPECT_EQ(*catalog_->upkeep().CollectGarbage(), 1u);
  EXPECT_FALSE(std::filesystem::exists(BlobPath(orphan)));
  EXPECT_TRUE(Verify(false).problems.empty());
}

TEST_P(UpkeepTest, FilesOfAnotherDatabaseAreNoGarbage) {
  for (int second = 0; second < 3; ++second) Age(BlobPath(Get(Add(second)).content_hash));
  // The same files below a database that knows one of them.
  const std::string strange = folder_ + "/strange";
  const auto other = Catalog::Open({.directory = strange, .blobs = folder_ + "/data/blobs"});
  ASSERT_TRUE(other.ok()) << other.status();
  const NewItem known = ItemAt(0);
  ASSERT_TRUE((*other)->items().Add(caller_, known, "content 0cam").ok());
  const auto refused = (*other)->upkeep().CollectGarbage(std::chrono::seconds(-10));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_TRUE(Verify(true).problems.empty());
}

TEST_P(UpkeepTest, ACollectionStopsWhenNobodyWaitsForIt) {
  Add(1);
  const Context ended{.cancelled = [] { return true; }};
  EXPECT_TRUE(absl::IsCancelled(
      catalog_->upkeep().CollectGarbage(std::chrono::seconds(-10), ended).status()));
}

TEST_P(UpkeepTest, RetentionByDaysGoesByUtcDaysAndSaysBeforehandWhatItWouldDo) {
  now_ = At(kStart + 3 * 86400 + 5);
  const std::string old = Add(10);
  Add(86400 - 1);
  const std::string young = Add(86400);
  const RetentionPolicy policy{.days = 2};
  const auto plan = catalog_->upkeep().ApplyRetention(caller_, policy, /*dry_run=*/true);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->items, 2u);
  EXPECT_EQ(Ids({}).size(), 3u);
  const auto done = catalog_->upkeep().ApplyRetention(caller_, policy, false);
  EXPECT_EQ(done->items, plan->items);
  EXPECT_EQ(done->bytes, plan->bytes);
  EXPECT_EQ(Ids({}), Texts{young});
  EXPECT_EQ(catalog_->upkeep().ApplyRetention(caller_, {}, false).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(UpkeepTest, RetentionBySizeTakesTheOldestAndLeavesWhatASnapshotHolds) {
  Texts ids;
  for (int number = 0; number < 10; ++number) {
    ids.push_back(Add(ItemAt(number), std::string(99, 'x') + std::to_string(number)));
  }
  const std::string set = *catalog_->datasets().Create(caller_, "set");
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set, Texts{ids[1]}).ok());
  ASSERT_TRUE(catalog_->snapshots().Create(caller_, set, "", std::nullopt).ok());
  const auto done = catalog_->upkeep().ApplyRetention(caller_, {.binary_limit_bytes = 700}, false);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->items, 3u);
  EXPECT_EQ(done->bytes, 300u);
  EXPECT_EQ(done->pinned_items, 1u);
  EXPECT_EQ(Ids({}), (Texts{ids[1], ids[4], ids[5], ids[6], ids[7], ids[8], ids[9]}));
}

}  // namespace
}  // namespace bowerbird::data
