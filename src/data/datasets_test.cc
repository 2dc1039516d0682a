// SPDX-License-Identifier: Apache-2.0
#include "data/datasets.h"

#include "data/testing_catalog.h"

namespace bowerbird::data {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;

class DatasetsTest : public CatalogTest {};
INSTANTIATE_TEST_SUITE_P(Engines, DatasetsTest,
                         Values(store::Engine::kSqlite, store::Engine::kPostgresql), EngineName);

TEST_P(DatasetsTest, AreMadeRenamedListedAndDeleted) {
  const auto id = catalog_->datasets().Create(caller_, "shapes");
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(id->size(), 24u);
  EXPECT_EQ(catalog_->datasets().Create(caller_, "shapes").status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(catalog_->datasets().Create(stranger_, "shapes").ok());
  const auto other = catalog_->datasets().Create(caller_, "animals");
  EXPECT_EQ(catalog_->datasets().Rename(caller_, *other, "shapes").code(),
            absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(catalog_->datasets().Rename(caller_, *other, "zoo").ok());
  const auto list = catalog_->datasets().List(caller_);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].name, "shapes");
  EXPECT_EQ((*list)[1].name, "zoo");
  EXPECT_EQ((*list)[0].time_created, now_);
  EXPECT_EQ(catalog_->datasets().Get(caller_, Texts{*other, "none", *id})->size(), 2u);
  EXPECT_TRUE(catalog_->datasets().Get(stranger_, Texts{*id})->empty());
  EXPECT_EQ(catalog_->datasets().Delete(stranger_, *id).code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(catalog_->datasets().Delete(caller_, *id).ok());
  EXPECT_EQ(catalog_->datasets().List(caller_)->size(), 1u);
}

TEST_P(DatasetsTest, NamesAreTextOfOneLine) {
  using std::string_literals::operator""s;
  const std::string id = *catalog_->datasets().Create(caller_, "ä b/c");
  for (const std::string& name : {""s, std::string(201, 'x'), "a\nb"s, "a\0b"s, "\xff"s, "\x7f"s}) {
    EXPECT_EQ(catalog_->datasets().Create(caller_, name).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(catalog_->datasets().Rename(caller_, id, name).code(),
              absl::StatusCode::kInvalidArgument);
    if (name.empty()) continue;
    EXPECT_EQ(catalog_->snapshots().Create(caller_, id, name, std::nullopt).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(catalog_->datasets().List(caller_)->size(), 1u);
}

TEST_P(DatasetsTest, HoldReferencesThatFiltersFindAndDeletionDrops) {
  const std::string one = Add(1);
  const std::string two = Add(2, {"t"});
  Add(3);
  const std::string set = *catalog_->datasets().Create(caller_, "set");
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set, Texts{one, two, one}).ok());
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, set, Texts{one}).ok());
  EXPECT_EQ(Ids({.dataset_id = set}), (Texts{one, two}));
  EXPECT_EQ(Ids({.tags_filter = Filter::Tags::kOneOf, .tags = {"t"}, .dataset_id = set}),
            Texts{two});
  EXPECT_EQ(Ids({.tags_filter = Filter::Tags::kUntagged, .dataset_id = set}), Texts{one});
  EXPECT_EQ(Ids({.dataset_id = "ffffffffffffffffffffffff"}), Texts());
  EXPECT_EQ(Get(one).dataset_ids, Texts{set});
  EXPECT_TRUE(Get(one).tags.empty());
  EXPECT_EQ(catalog_->datasets().List(caller_)->front().item_count, 2u);
  EXPECT_EQ(catalog_->datasets().AddItems(caller_, set, Texts{"org-1/loc/none"}).code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(catalog_->datasets().RemoveItems(caller_, set, Texts{one}).ok());
  EXPECT_EQ(Ids({.dataset_id = set}), Texts{two});
  ASSERT_TRUE(catalog_->datasets().Delete(caller_, set).ok());
  EXPECT_EQ(Ids({}).size(), 3u);
  EXPECT_TRUE(Get(two).dataset_ids.empty());
}

TEST_P(DatasetsTest, MergingMakesOneOfTheMembersOfAll) {
  const std::string one = Add(1);
  const std::string two = Add(2);
  const std::string three = Add(3);
  const std::string a = *catalog_->datasets().Create(caller_, "a");
  const std::string b = *catalog_->datasets().Create(caller_, "b");
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, a, Texts{one, two}).ok());
  ASSERT_TRUE(catalog_->datasets().AddItems(caller_, b, Texts{two, three}).ok());
  const auto merged = catalog_->datasets().Merge(caller_, Texts{a, b}, "ab");
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(Ids({.dataset_id = *merged}), (Texts{one, two, three}));
  EXPECT_EQ(catalog_->datasets().Merge(caller_, Texts{a, "none"}, "c").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->datasets().List(caller_)->size(), 3u);
}

TEST_P(DatasetsTest, AnItemIsUploadedIntoADataset) {
  NewItem item = ItemAt(1);
  item.dataset_ids = {*catalog_->datasets().Create(caller_, "set")};
  const std::string id = Add(item, "x");
  EXPECT_EQ(Ids({.dataset_id = item.dataset_ids[0]}), Texts{id});
}

}  // namespace
}  // namespace bowerbird::data
