// SPDX-License-Identifier: Apache-2.0
#include "data/snapshots.h"

#include <set>
#include <thread>

#include "base/sha256.h"
#include "data/core.h"
#include "data/testing_catalog.h"

namespace bowerbird::data {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using Kind = SnapshotDifference::Kind;

class SnapshotsTest : public CatalogTest {
 protected:
  void SetUp() override {
    CatalogTest::SetUp();
    if (catalog_ == nullptr) return;
    set_ = *catalog_->datasets().Create(caller_, "set");
    for (int second = 0; second < 6; ++second) {
      // Far enough apart for no two to be a burst.
      ids_.push_back(Add(ItemAt(second * 100), Jpeg(second)));
    }
    EXPECT_TRUE(catalog_->datasets().AddItems(caller_, set_, ids_).ok());
  }
  Snapshot Make(const std::optional<SplitOptions>& split = std::nullopt) {
    const auto made = catalog_->snapshots().Create(caller_, set_, "name", split);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? made->snapshot : Snapshot();
  }
  std::string ManifestOf(const std::string& id) {
    const auto reader = catalog_->snapshots().Manifest(caller_, id);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::string bytes((*reader)->size(), '\0');
    EXPECT_TRUE((*reader)->ReadAt(0, bytes).ok());
    return bytes;
  }
  void Tag(const std::string& id, const std::string& tag) {
    EXPECT_TRUE(catalog_->labels().AddTags(caller_, Texts{id}, Texts{tag}).ok());
  }

  std::string set_;
  Texts ids_;
};
INSTANTIATE_TEST_SUITE_P(Engines, SnapshotsTest,
                         Values(store::Engine::kSqlite, store::Engine::kPostgresql), EngineName);

// A split looks at the pictures, which are prepared in the background: those who wait share the
// work with the thread that does it, while more pictures come in.
TEST_P(SnapshotsTest, ManyMayWaitForTheLooksOfPicturesWhileOthersUpload) {
  for (int second = 10; second < 40; ++second) Add(ItemAt(second * 100), Jpeg(second));
  std::vector<std::thread> threads;
  std::vector<std::string> made(3);
  for (std::string& id : made) {
    threads.emplace_back([&] { id = Make(SplitOptions{.validation_fraction = 0.3}).id; });
  }
  for (int second = 50; second < 70; ++second) Add(ItemAt(second * 100), Jpeg(second));
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(made[0], "");
  EXPECT_EQ(made[1], made[0]);
  EXPECT_EQ(made[2], made[0]);
}

// The members are read in two ways, by how many of the items of their span they are.
TEST_P(SnapshotsTest, HasItsMembersOnlyHoweverFewOfTheItemsTheyAre) {
  Texts between;
  for (int second = 10; second < 50; ++second)
    between.push_back(Add(ItemAt(second * 100), Jpeg(second)));
  ids_.push_back(Add(ItemAt(6000), Jpeg(60)));
  for (const Texts& more : {Texts{ids_.back()}, Texts{between[7], between[30]}, between}) {
    EXPECT_TRUE(catalog_->datasets().AddItems(caller_, set_, more).ok());
    const Snapshot plain = Make();
    const Snapshot split = Make(SplitOptions{.validation_fraction = 0.2});
    EXPECT_EQ(plain.item_count, split.item_count);
    // The sides apart, which are the last byte of a record, the manifests are the same.
    std::string a = ManifestOf(plain.id), b = ManifestOf(split.id);
    for (size_t end = a.size(); end > 21; end -= 65) a[end - 1] = b[end - 1] = 0;
    EXPECT_EQ(a, b);
    const std::string wanted = Sha256Hex(Jpeg(more == between ? 49 : 60));
    bool found = false;
    for (size_t at = 21; at < a.size(); at += 65) found |= HexOfBytes(a.substr(at, 32)) == wanted;
    EXPECT_TRUE(found);
  }
  EXPECT_EQ(Make().item_count, 47u);
}

TEST_P(SnapshotsTest, TheIdIsTheHashOfTheManifestAndOfNothingElse) {
  const Snapshot first = Make();
  EXPECT_EQ(first.item_count, 6u);
  const std::string manifest = ManifestOf(first.id);
  EXPECT_EQ(Sha256Hex(manifest), first.id);
  EXPECT_EQ(manifest.size(), std::string("bowerbird snapshot 1\n").size() + 6 * 65);
  // Asked again, with another name, it is the same one.
  const auto again = catalog_->snapshots().Create(caller_, set_, "other", std::nullopt);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->snapshot.name, "name");
  // Another organization with the same pictures, uploaded in another order at other times.
  const std::string theirs = *catalog_->datasets().Create(stranger_, "theirs");
  for (int second = 5; second >= 0; --second) {
    NewItem item = ItemAt(second * 7777);
    item.dataset_ids = {theirs};
    ASSERT_TRUE(catalog_->items().Add(stranger_, item, Jpeg(second)).ok());
  }
  const auto same = catalog_->snapshots().Create(stranger_, theirs, "", std::nullopt);
  ASSERT_TRUE(same.ok());
  EXPECT_FALSE(same->existed);
  EXPECT_EQ(same->snapshot.id, first.id);
}

TEST_P(SnapshotsTest, AreFoundByTheBeginningOfTheirIdInTheirOrganizationOnly) {
  const Snapshot first = Make();
  Tag(ids_[0], "x");
  const Snapshot second = Make();
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(catalog_->snapshots().Get(caller_, first.id.substr(0, 8))->id, first.id);
  EXPECT_EQ(catalog_->snapshots().Get(caller_, first.id.substr(0, 7)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->snapshots().Get(stranger_, first.id).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->snapshots().List(caller_, set_)->size(), 2u);
  EXPECT_EQ(catalog_->datasets().Delete(caller_, set_).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(catalog_->snapshots().Delete(caller_, first.id).ok());
  EXPECT_EQ(catalog_->snapshots().List(caller_, set_)->size(), 1u);
}

TEST_P(SnapshotsTest, HoldStillWhileTheDatasetChangesAndTheDifferenceIsTold) {
  const Snapshot before = Make();
  const std::string manifest = ManifestOf(before.id);
  Tag(ids_[0], "x");
  ASSERT_TRUE(catalog_->datasets().RemoveItems(caller_, set_, Texts{ids_[1]}).ok());
  const std::string added = Add(ItemAt(5000), Jpeg(77));
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set_, Texts{added}).ok());
  const Snapshot after = Make();
  EXPECT_EQ(ManifestOf(before.id), manifest);
  SnapshotDifferenceCounts counts;
  std::set<std::pair<Kind, std::string>> found;
  const absl::Status status = catalog_->snapshots().Diff(
      caller_, before.id, after.id,
      [&](const SnapshotDifferenceCounts& counted) {
        counts = counted;
        return absl::OkStatus();
      },
      [&](const SnapshotDifference& one) {
        found.emplace(one.kind, one.item_id);
        return absl::OkStatus();
      });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(counts.added, 1u);
  EXPECT_EQ(counts.removed, 1u);
  EXPECT_EQ(counts.annotation_changed, 1u);
  EXPECT_EQ(counts.split_changed, 0u);
  EXPECT_EQ(counts.unchanged, 4u);
  EXPECT_EQ(found, (std::set<std::pair<Kind, std::string>>{{Kind::kAdded, added},
                                                           {Kind::kRemoved, ids_[1]},
                                                           {Kind::kAnnotationChanged, ids_[0]}}));
}

TEST_P(SnapshotsTest, RestoringBringsBackMembersAndAnnotationsOfTheSameItems) {
  const auto box = catalog_->labels().AddBox(
      caller_, ids_[2], {.label = "cat", .x_min = 0.1, .y_min = 0.1, .x_max = 0.4, .y_max = 0.4});
  Tag(ids_[0], "first");
  const Snapshot before = Make();
  ASSERT_TRUE(catalog_->labels().RemoveTags(caller_, Texts{ids_[0]}, Texts{"first"}).ok());
  ASSERT_TRUE(catalog_->labels().RemoveBox(caller_, ids_[2], *box).ok());
  ASSERT_TRUE(catalog_->datasets().RemoveItems(caller_, set_, Texts{ids_[1], ids_[3]}).ok());
  const std::string added = Add(ItemAt(5000), Jpeg(77));
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set_, Texts{added}).ok());
  const auto restored = catalog_->snapshots().Restore(caller_, before.id, "");
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->items_added, 2u);
  EXPECT_EQ(restored->items_removed, 1u);
  EXPECT_EQ(restored->annotations_changed, 2u);
  EXPECT_EQ(Ids({.dataset_id = set_}), ids_);
  EXPECT_EQ(Get(ids_[2]).annotations.boxes.at(0).id, *box);
  EXPECT_EQ(Get(ids_[0]).tags, Texts{"first"});
  const auto again = catalog_->snapshots().Create(caller_, set_, "", std::nullopt);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->snapshot.id, before.id);
  // Into another dataset.
  const std::string other = *catalog_->datasets().Create(caller_, "other");
  EXPECT_EQ(catalog_->snapshots().Restore(caller_, before.id, other)->items_added, 6u);
}

TEST_P(SnapshotsTest, PinTheirItems) {
  const Snapshot snapshot = Make();
  const std::string loose = Add(ItemAt(9000), Jpeg(50));
  EXPECT_EQ(catalog_->items().Delete(caller_, Texts{loose, ids_[0]}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Ids({}).size(), 7u);
  EXPECT_EQ(*catalog_->items().DeleteByFilter(caller_, {}), 1u);
  EXPECT_EQ(Ids({}), ids_);
  ASSERT_TRUE(catalog_->snapshots().Delete(caller_, snapshot.id).ok());
  EXPECT_EQ(*catalog_->items().DeleteByFilter(caller_, {}), 6u);
}

TEST_P(SnapshotsTest, ASplitIsTheSameForTheSameSeedAndHasItsSize) {
  const SplitOptions options{.seed = 3, .validation_fraction = 0.5};
  const Snapshot split = Make(options);
  EXPECT_EQ(split.split->seed, 3u);
  const auto statistics = catalog_->snapshots().StatisticsOfSnapshot(caller_, split.id);
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_EQ(statistics->training + statistics->validation, 6u);
  EXPECT_GE(statistics->validation, 1u);
  EXPECT_LE(statistics->validation, 3u);
  EXPECT_TRUE(catalog_->snapshots().Create(caller_, set_, "", options)->existed);
  EXPECT_EQ(catalog_->snapshots()
                .Create(caller_, set_, "", SplitOptions{.validation_fraction = 1.5})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(SnapshotsTest, ABurstStaysOnOneSideAndLeaksAreReported) {
  // The same picture in two encodings: near-duplicates with different content.
  const std::string twin = Add(ItemAt(50'000), Jpeg(0) + "x");
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set_, Texts{twin}).ok());
  uint64_t leaks = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Snapshot snapshot =
        Make(SplitOptions{.seed = seed, .validation_fraction = 0.4, .burst_seconds = 100'000});
    // Everything is one burst, and it does not fit: the whole of it is the smallest group.
    const auto report = catalog_->snapshots().Leaks(caller_, snapshot.id, 0);
    ASSERT_TRUE(report.ok()) << report.status();
    leaks += report->leak_count;
  }
  EXPECT_EQ(leaks, 0u);
}

TEST_P(SnapshotsTest, StatisticsCountLabelsOfTheSnapshotNotOfToday) {
  ASSERT_TRUE(catalog_->labels()
                  .AddBox(caller_, ids_[0],
                          {.label = "cat", .x_min = 0, .y_min = 0, .x_max = 1, .y_max = 1})
                  .ok());
  const Snapshot snapshot = Make();
  EXPECT_EQ(snapshot.box_count, 1u);
  Tag(ids_[1], "later");
  const auto then = catalog_->snapshots().StatisticsOfSnapshot(caller_, snapshot.id);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->statistics.images, 6u);
  EXPECT_EQ(then->statistics.unlabeled_images, 5u);
  ASSERT_EQ(then->statistics.labels.size(), 1u);
  EXPECT_EQ(then->statistics.labels[0].label, "cat");
  const auto now = catalog_->snapshots().StatisticsOfDataset(caller_, set_);
  EXPECT_EQ(now->statistics.unlabeled_images, 4u);
}

}  // namespace
}  // namespace bowerbird::data
