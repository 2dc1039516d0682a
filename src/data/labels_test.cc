// SPDX-License-Identifier: Apache-2.0
#include "data/labels.h"

#include "data/testing_catalog.h"

namespace bowerbird::data {
namespace {

using testing::Values;

class LabelsTest : public CatalogTest {
 protected:
  std::vector<std::string> Names(const std::vector<LabelCount>& counts) {
    std::vector<std::string> names;
    for (const LabelCount& one : counts) names.push_back(one.label);
    return names;
  }
  annotation::Box Cat() {
    return {.label = "cat", .x_min = 0.25, .y_min = 0.25, .x_max = 0.5, .y_max = 0.75};
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, LabelsTest,
                         Values(store::Engine::kSqlite, store::Engine::kPostgresql), EngineName);

using Texts = std::vector<std::string>;

TEST_P(LabelsTest, TagsAreAddedOnceAndTakenAwayWithTheirNumber) {
  const Texts ids = {Add(1), Add(2, {"old"})};
  ASSERT_TRUE(catalog_->labels().AddTags(caller_, ids, Texts{"a", "b"}).ok());
  ASSERT_TRUE(catalog_->labels().AddTags(caller_, ids, Texts{"a"}).ok());
  EXPECT_EQ(Get(ids[1]).tags, (Texts{"a", "b", "old"}));
  EXPECT_EQ(*catalog_->labels().RemoveTags(caller_, ids, Texts{"a", "old", "none"}), 3u);
  EXPECT_EQ(Get(ids[0]).tags, Texts{"b"});
  EXPECT_EQ(catalog_->labels().AddTags(caller_, ids, {}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(catalog_->labels().AddTags(caller_, Texts{ids[0], "org-1/loc/none"}, Texts{"z"}).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Get(ids[0]).tags, Texts{"b"});
}

TEST_P(LabelsTest, TagsByFilterReachEveryItemEvenIfTheFilterAsksForWhatTheyChange) {
  for (int second = 0; second < 503; ++second) Add(second);
  ASSERT_TRUE(catalog_->labels()
                  .AddTagsByFilter(caller_, {.tags_filter = Filter::Tags::kUntagged}, Texts{"new"})
                  .ok());
  const Filter tagged{.tags_filter = Filter::Tags::kOneOf, .tags = {"new"}};
  EXPECT_EQ(catalog_->items().Count(caller_, tagged)->count, 503u);
  EXPECT_EQ(*catalog_->labels().RemoveTagsByFilter(caller_, tagged, Texts{"new"}), 503u);
  EXPECT_EQ(catalog_->items().Count(caller_, {.tags_filter = Filter::Tags::kUntagged})->count,
            503u);
}

TEST_P(LabelsTest, TheVocabularyIsCountedByWhereItemsComeFromAndFoundForAnyFilter) {
  Add(1, {"x", "y"}, "cam1");
  Add(2, {"x"}, "cam2");
  Add(3, {"z"}, "cam2");
  const auto all = catalog_->labels().Tags(caller_, {});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(Names(*all), (Texts{"x", "y", "z"}));
  EXPECT_EQ((*all)[0].items, 2u);
  const auto cam2 = catalog_->labels().Tags(caller_, {.component_name = "cam2"});
  EXPECT_EQ(Names(*cam2), (Texts{"x", "z"}));
  EXPECT_EQ((*cam2)[0].items, 1u);
  EXPECT_EQ(Names(*catalog_->labels().Tags(caller_, {.start = At(kStart + 2)})), (Texts{"x", "z"}));
  EXPECT_EQ(Names(*catalog_->labels().Tags(caller_,
                                           {.tags_filter = Filter::Tags::kOneOf, .tags = {"y"}})),
            (Texts{"x", "y"}));
  EXPECT_TRUE(catalog_->labels().Tags(stranger_, {})->empty());
}

TEST_P(LabelsTest, BoxesAreAddedChangedFoundAndRemoved) {
  const std::string id = Add(ItemAt(1), Jpeg(1));
  Add(2);
  const auto box_id = catalog_->labels().AddBox(caller_, id, Cat());
  ASSERT_TRUE(box_id.ok()) << box_id.status();
  EXPECT_EQ(Ids({.box_labels = {"dog", "cat"}}), Texts{id});
  EXPECT_EQ(Names(*catalog_->labels().BoxLabels(caller_, {})), Texts{"cat"});
  ASSERT_TRUE(
      catalog_->labels().UpdateBox(caller_, id, *box_id, {.label = "dog", .x_max = 0.6}).ok());
  const Item item = Get(id);
  EXPECT_EQ(item.annotations.boxes[0].label, "dog");
  EXPECT_EQ(item.annotations.boxes[0].x_max, 0.6);
  EXPECT_EQ(item.annotations.boxes[0].y_max, 0.75);
  EXPECT_EQ(item.annotations.boxes[0].id, *box_id);
  EXPECT_EQ(Ids({.box_labels = {"cat"}}), Texts());
  EXPECT_EQ(catalog_->labels().UpdateBox(caller_, id, *box_id, {.x_max = 1.5}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(catalog_->labels().UpdateBox(caller_, id, "none", {}).code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(catalog_->labels().RemoveBox(caller_, id, *box_id).ok());
  EXPECT_EQ(catalog_->labels().RemoveBox(caller_, id, *box_id).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Get(id).annotations.boxes.empty());
  EXPECT_TRUE(catalog_->labels().BoxLabels(caller_, {})->empty());
}

TEST_P(LabelsTest, BoxesThatCannotBeAreRefused) {
  const std::string id = Add(1);
  for (const auto& change : std::vector<std::function<void(annotation::Box&)>>{
           [](auto& box) { box.x_max = 1.01; }, [](auto& box) { box.x_min = -0.1; },
           [](auto& box) { box.x_max = box.x_min; },
           [](auto& box) { box.y_min = std::numeric_limits<double>::quiet_NaN(); },
           [](auto& box) { box.label = ""; }, [](auto& box) { box.label = "a\nb"; },
           [](auto& box) { box.confidence = 2; }}) {
    annotation::Box box = Cat();
    change(box);
    EXPECT_EQ(catalog_->labels().AddBox(caller_, id, box).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(Get(id).annotations.empty());
}

TEST_P(LabelsTest, HistoryTellsWhoChangedWhatWhenAndUndoPutsItBack) {
  const std::string id = Add(1, {"captured"});
  now_ = At(kStart + 500);
  const Caller bob{.organization_id = "org-1", .name = "bob"};
  ASSERT_TRUE(catalog_->labels().AddBox(bob, id, Cat()).ok());
  auto history = catalog_->labels().History(caller_, id);
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->size(), 2u);
  EXPECT_EQ((*history)[0].changed_by, "bob");
  EXPECT_EQ((*history)[0].time, now_);
  EXPECT_TRUE((*history)[0].before.empty());
  EXPECT_EQ((*history)[0].after.boxes.size(), 1u);
  EXPECT_EQ((*history)[0].tags_before, Texts{"captured"});
  EXPECT_EQ((*history)[1].changed_by, "ann");
  EXPECT_EQ((*history)[1].tags_after, Texts{"captured"});
  EXPECT_TRUE((*history)[1].tags_before.empty());

  EXPECT_EQ(catalog_->labels().Undo(caller_, (*history)[1].id).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(catalog_->labels().Undo(stranger_, (*history)[0].id).status().code(),
            absl::StatusCode::kNotFound);
  const auto undone = catalog_->labels().Undo(caller_, (*history)[0].id);
  ASSERT_TRUE(undone.ok()) << undone.status();
  EXPECT_EQ(undone->changed_by, "ann");
  EXPECT_TRUE(Get(id).annotations.empty());
  EXPECT_EQ(Get(id).tags, Texts{"captured"});
  // The undoing can be undone.
  ASSERT_TRUE(catalog_->labels().Undo(caller_, undone->id).ok());
  EXPECT_EQ(Get(id).annotations.boxes.size(), 1u);
  EXPECT_EQ(catalog_->labels().History(caller_, id)->size(), 4u);
  EXPECT_EQ(catalog_->labels().History(caller_, id, 2)->size(), 2u);
}

TEST_P(LabelsTest, SettingReplacesAndReportsWhatCannotBe) {
  const std::string good = Add(1, {"kept"});
  const std::string bad = Add(2);
  annotation::Annotations wanted;
  wanted.boxes = {Cat(), Cat()};
  annotation::Annotations broken;
  broken.boxes = {{.label = "x"}};
  const std::vector<ItemAnnotations> all = {{.id = good, .annotations = wanted},
                                            {.id = bad, .annotations = broken},
                                            {.id = "org-1/loc/none", .annotations = wanted}};
  const auto result = catalog_->labels().Set(caller_, all);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->changed, 1u);
  ASSERT_EQ(result->problems.size(), 2u);
  EXPECT_EQ(result->problems[0].id, bad);
  const Item item = Get(good);
  EXPECT_EQ(item.tags, Texts{"kept"});
  ASSERT_EQ(item.annotations.boxes.size(), 2u);
  EXPECT_NE(item.annotations.boxes[0].id, item.annotations.boxes[1].id);
}

}  // namespace
}  // namespace bowerbird::data
