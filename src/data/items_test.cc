// SPDX-License-Identifier: Apache-2.0
#include "data/items.h"

#include <algorithm>
#include <thread>

#include "base/sha256.h"
#include "data/testing_catalog.h"

namespace bowerbird::data {
namespace {

using testing::Values;

class ItemsTest : public CatalogTest {};
INSTANTIATE_TEST_SUITE_P(Engines, ItemsTest,
                         Values(store::Engine::kSqlite, store::Engine::kPostgresql), EngineName);

TEST_P(ItemsTest, AnItemComesBackAsItWasSent) {
  NewItem item = ItemAt(5);
  item.tags = {"b", "a", "b"};
  item.file_name = "x/y.jpg";
  item.source.method_parameters = R"({"reader": "r", "mime_type": "image/jpeg"})";
  item.annotations.boxes.push_back(
      {.label = "cat", .x_min = 0.1, .y_min = 0.2, .x_max = 0.3, .y_max = 0.4, .confidence = 0.5});
  item.annotations.classifications.push_back({.label = "day", .confidence = 0.75});
  const std::string content = Jpeg(1);
  const Item got = Get(Add(item, content));
  EXPECT_EQ(got.id, "org-1/loc/" + got.file_id);
  EXPECT_EQ(got.source.component_name, "cam");
  EXPECT_EQ(got.source.method_parameters, R"({"mime_type":"image/jpeg","reader":"r"})");
  EXPECT_EQ(got.time_requested, item.time_requested);
  EXPECT_EQ(got.time_received, item.time_received);
  EXPECT_EQ(got.file_name, "x/y.jpg");
  EXPECT_EQ(got.size, content.size());
  EXPECT_EQ(got.content_hash, Sha256Hex(content));
  EXPECT_EQ(got.width, 64);
  EXPECT_EQ(got.height, 48);
  EXPECT_EQ(got.tags, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(got.annotations.boxes.size(), 1u);
  EXPECT_EQ(got.annotations.boxes[0].x_max, 0.3);
  EXPECT_EQ(got.annotations.boxes[0].confidence, 0.5);
  EXPECT_FALSE(got.annotations.boxes[0].id.empty());
  ASSERT_EQ(got.annotations.classifications.size(), 1u);
  EXPECT_EQ(got.annotations.classifications[0].label, "day");
  EXPECT_EQ(*catalog_->items().Read(got), content);
}

TEST_P(ItemsTest, TheSameUploadIsThereOnceHoweverOftenItIsSent) {
  NewItem item = ItemAt(1);
  item.tags = {"first"};
  const std::string id = Add(item, "bytes");
  item.tags = {"second"};
  const auto again = catalog_->items().Add(caller_, item, "bytes");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->id, id);
  EXPECT_EQ(Get(id).tags, std::vector<std::string>{"first"});
  EXPECT_EQ(catalog_->items().Count(caller_, {})->count, 1u);
  // Other content, another time, another name: other items.
  Add(item, "other bytes");
  Add(ItemAt(2), "bytes");
  item.file_name = "name";
  Add(item, "bytes");
  EXPECT_EQ(catalog_->items().Count(caller_, {})->count, 4u);
}

TEST_P(ItemsTest, ManyThreadsSendingTheSameUploadMakeOneItem) {
  std::vector<std::thread> threads;
  std::vector<std::string> ids(8);
  for (size_t at = 0; at < ids.size(); ++at) {
    threads.emplace_back([&, at] {
      for (int item = 0; item < 10; ++item) {
        const auto added = catalog_->items().Add(caller_, ItemAt(item), "same");
        ASSERT_TRUE(added.ok()) << added.status();
        ids[at] += added->id;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_EQ(catalog_->items().Count(caller_, {})->count, 10u);
}

TEST_P(ItemsTest, PagesGoThroughAllItemsInBothDirectionsAndDoNotMoveWhenItemsArrive) {
  std::vector<std::string> ids;
  for (int second = 0; second < 10; ++second)
    ids.push_back(Add(second, {}, second % 2 ? "a" : "b"));
  EXPECT_EQ(Ids({}), ids);
  std::vector<std::string> newest(ids.rbegin(), ids.rend());
  EXPECT_EQ(Ids({}, Order::kDescending), newest);
  const auto first = catalog_->items().List(caller_, {.limit = 4});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->items[3].id, newest[3]);
  Add(100);
  const auto second = catalog_->items().List(caller_, {.limit = 4, .last = first->last});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->items[0].id, newest[4]);
  EXPECT_EQ(catalog_->items().List(caller_, {.last = "nonsense"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(ItemsTest, ItemsOfTheSameMomentAreAllPaged) {
  for (int number = 0; number < 8; ++number) Add(ItemAt(7), "content " + std::to_string(number));
  auto ids = Ids({});
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  EXPECT_EQ(ids.size(), 8u);
}

TEST_P(ItemsTest, FiltersJoinFieldsByAndAndValuesByOr) {
  const std::string a = Add(1, {"x"}, "cam1");
  const std::string b = Add(2, {"y"}, "cam2");
  const std::string c = Add(3, {"x", "y"}, "cam2");
  const std::string d = Add(4, {}, "cam1");
  using Ids_ = std::vector<std::string>;
  EXPECT_EQ(Ids({.component_name = "cam2"}), (Ids_{b, c}));
  EXPECT_EQ(Ids({.component_name = "none"}), Ids_());
  EXPECT_EQ(Ids({.tags_filter = Filter::Tags::kOneOf, .tags = {"x", "y", "unknown"}}),
            (Ids_{a, b, c}));
  EXPECT_EQ(Ids({.tags_filter = Filter::Tags::kOneOf, .tags = {"unknown"}}), Ids_());
  EXPECT_EQ(Ids({.component_name = "cam1", .tags_filter = Filter::Tags::kOneOf, .tags = {"x"}}),
            (Ids_{a}));
  EXPECT_EQ(Ids({.tags_filter = Filter::Tags::kTagged}), (Ids_{a, b, c}));
  EXPECT_EQ(Ids({.tags_filter = Filter::Tags::kUntagged}), (Ids_{d}));
  EXPECT_EQ(Ids({.start = At(kStart + 2), .end = At(kStart + 4)}), (Ids_{b, c}));
  EXPECT_EQ(Ids({.mime_types = {"image/png"}}), Ids_());
  EXPECT_EQ(Ids({.mime_types = {"image/png", "image/jpeg"}}), (Ids_{a, b, c, d}));
  EXPECT_EQ(Ids({.robot_name = "rover", .part_id = "part-1", .location_ids = {"loc", "other"}}),
            (Ids_{a, b, c, d}));
  EXPECT_EQ(Ids({.organization_ids = {"org-2"}}), Ids_());
  EXPECT_EQ(Ids({.organization_ids = {"org-2", "org-1"}}), (Ids_{a, b, c, d}));
}

TEST_P(ItemsTest, CountsAreExactForEveryKindOfFilter) {
  for (int hour = 0; hour < 60; ++hour) {
    Add(hour * 3600,
        hour % 3 == 0 ? std::vector<std::string>{"t", "u"} : std::vector<std::string>{},
        hour % 2 ? "a" : "b");
  }
  const std::vector<Filter> filters = {
      {},
      {.component_name = "a"},
      {.start = At(kStart)},
      {.start = At(kStart + 1), .end = At(kStart + 3 * 3600)},
      {.start = At(kStart + 5 * 3600), .end = At(kStart + 30 * 3600)},
      {.start = At(kStart + 24 * 3600), .end = At(kStart + 48 * 3600)},
      {.end = At(kStart + 24 * 3600 + 1)},
      {.component_name = "b", .start = At(kStart + 7000), .end = At(kStart + 50 * 3600)},
      {.tags_filter = Filter::Tags::kOneOf, .tags = {"t"}},
      {.component_name = "a", .tags_filter = Filter::Tags::kOneOf, .tags = {"t"}},
      {.tags_filter = Filter::Tags::kOneOf, .tags = {"t", "u"}},
      {.start = At(kStart + 9 * 3600), .tags_filter = Filter::Tags::kOneOf, .tags = {"u"}},
      {.tags_filter = Filter::Tags::kTagged},
      {.start = At(kStart + 5 * 3600),
       .end = At(kStart + 30 * 3600),
       .tags_filter = Filter::Tags::kUntagged},
  };
  for (size_t at = 0; at < filters.size(); ++at) {
    const auto totals = catalog_->items().Count(caller_, filters[at]);
    ASSERT_TRUE(totals.ok()) << totals.status();
    const auto ids = Ids(filters[at]);
    EXPECT_EQ(totals->count, ids.size()) << "filter " << at;
    uint64_t bytes = 0;
    for (const std::string& id : ids) bytes += Get(id).size;
    EXPECT_EQ(totals->bytes, bytes) << "filter " << at;
  }
}

TEST_P(ItemsTest, AnotherOrganizationSeesAndChangesNothing) {
  const std::string id = Add(1, {"x"});
  const std::string ids[] = {id};
  EXPECT_EQ(catalog_->items().Get(stranger_, ids).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->items().List(stranger_, {})->items.size(), 0u);
  EXPECT_EQ(catalog_->items().Count(stranger_, {})->count, 0u);
  EXPECT_EQ(*catalog_->items().Delete(stranger_, ids), 0u);
  const std::string tags[] = {"y"};
  EXPECT_EQ(catalog_->labels().AddTags(stranger_, ids, tags).code(), absl::StatusCode::kNotFound);
  // Not even with the bare file id, once it has items of its own.
  ASSERT_TRUE(catalog_->items().Add(stranger_, ItemAt(1), "theirs").ok());
  const std::string file_ids[] = {Get(id).file_id};
  EXPECT_EQ(catalog_->items().Get(stranger_, file_ids).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->items().Get(caller_, file_ids)->front().id, id);
}

TEST_P(ItemsTest, DeletedItemsAreGoneFromEverythingAndTheirContentWithTheLastOfThem) {
  const std::string one = Add(ItemAt(1), "shared");
  const std::string two = Add(ItemAt(2), "shared");
  const std::string tags[] = {"x"};
  const std::string both[] = {one, two};
  ASSERT_TRUE(catalog_->labels().AddTags(caller_, both, tags).ok());
  const Item item = Get(two);
  // Old enough for no upload to be on its way.
  const auto blob =
      folder_ + "/data/blobs/" + item.content_hash.substr(0, 2) + "/" + item.content_hash;
  std::filesystem::last_write_time(
      blob, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  const std::string first[] = {one, "org-1/loc/unknown"};
  EXPECT_EQ(*catalog_->items().Delete(caller_, first), 1u);
  EXPECT_EQ(*catalog_->items().Read(item), "shared");
  EXPECT_EQ(*catalog_->items().DeleteByFilter(caller_, {}), 1u);
  EXPECT_EQ(catalog_->items().Open(item).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(catalog_->items().Count(caller_, {})->count, 0u);
  EXPECT_TRUE(catalog_->labels().Tags(caller_, {})->empty());
}

TEST_P(ItemsTest, WhatCannotBeIsRefusedAndLeavesNothing) {
  NewItem item = ItemAt(1);
  item.tags = {""};
  EXPECT_EQ(catalog_->items().Add(caller_, item, "x").status().code(),
            absl::StatusCode::kInvalidArgument);
  item.tags = {};
  item.dataset_ids = {"0123456789abcdef01234567"};
  EXPECT_EQ(catalog_->items().Add(caller_, item, "x").status().code(), absl::StatusCode::kNotFound);
  item.dataset_ids = {};
  item.annotations.boxes.push_back({.label = "a", .x_min = 0.5, .x_max = 0.5, .y_max = 1});
  EXPECT_EQ(catalog_->items().Add(caller_, item, "x").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(catalog_->items().Count(caller_, {})->count, 0u);
}

TEST_P(ItemsTest, AFullOrBrokenDiskFailsTheUploadAndLaterUploadsAreFine) {
  // Written under its name at once, and by way of the scratch folder.
  for (const std::string& content : {std::string("small"), std::string(500'000, 'l')}) {
    for (const FileOperation operation : {FileOperation::kAppend, FileOperation::kSync,
                                          FileOperation::kRename, FileOperation::kSyncDirectory}) {
      if (operation == FileOperation::kRename && content == "small") continue;
      files_.Add({.operation = operation,
                  .error = operation == FileOperation::kAppend ? ENOSPC : EIO,
                  .torn_bytes = 3});
      EXPECT_FALSE(catalog_->items().Add(caller_, ItemAt(1), content).ok());
      EXPECT_EQ(catalog_->items().Count(caller_, {})->count, 0u);
      files_.ClearFaults();
    }
  }
  const std::string id = Add(ItemAt(1), "content");
  EXPECT_EQ(*catalog_->items().Read(Get(id)), "content");
}

TEST_P(ItemsTest, WhatWasAcknowledgedSurvivesAPowerCut) {
  std::vector<std::string> ids;
  for (int second = 0; second < 5; ++second) ids.push_back(Add(second));
  catalog_.reset();
  ASSERT_TRUE(files_.LosePower().ok());
  Open();
  EXPECT_EQ(Ids({}), ids);
  for (const std::string& id : ids) EXPECT_TRUE(catalog_->items().Read(Get(id)).ok());
}

TEST_P(ItemsTest, PicturesHavePreviewsAndOtherFilesNone) {
  const Item picture = Get(Add(ItemAt(1), Jpeg(1, 640, 480)));
  const Item text = Get(Add(ItemAt(2), "no picture"));
  const auto preview = catalog_->items().Preview(picture);
  ASSERT_TRUE(preview.ok()) << preview.status();
  const auto header = image::ReadHeader(
      std::span(reinterpret_cast<const uint8_t*>(preview->data()), preview->size()));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->size.width, 320);
  EXPECT_EQ(header->size.height, 240);
  EXPECT_EQ(catalog_->items().Preview(text).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(catalog_->WaitForPreviews().ok());
  EXPECT_EQ(*catalog_->items().Preview(picture), *preview);
}

TEST_P(ItemsTest, ASecondProcessOrCatalogIsRefused) {
  const auto second = Catalog::Open({.directory = folder_ + "/data", .database = database_});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace bowerbird::data
