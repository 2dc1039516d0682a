// SPDX-License-Identifier: Apache-2.0
//
// For tests of this room: a catalog in a temporary folder, over SQLite or PostgreSQL, with a clock
// of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/faulty_file_system.h"
#include "data/catalog.h"
#include "image/codec.h"
#include "store/testing/postgresql_server.h"

namespace bowerbird::data {

inline Time At(int64_t seconds) { return Time(std::chrono::seconds(seconds)); }
// 2026-01-01T00:00:00Z
inline constexpr int64_t kStart = 1'767'225'600;

// A picture that differs with `seed`.
inline std::string Jpeg(int seed, int width = 64, int height = 48) {
  image::Image picture(width, height, image::PixelFormat::kRgb8);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        picture.row(y)[x * 3 + channel] = static_cast<uint8_t>(
            (x * (seed % 7 + 1) + y * (seed % 5 + 1) * (channel + 1) + seed * 31) & 0xff);
      }
    }
  }
  return *image::EncodeJpeg(picture, 90);
}

class CatalogTest : public testing::TestWithParam<store::Engine> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/catalog_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    if (GetParam() == store::Engine::kPostgresql) {
      const auto server = store::PostgresqlServer::Get();
      if (absl::IsNotFound(server.status())) GTEST_SKIP() << server.status().message();
      ASSERT_TRUE(server.ok()) << server.status();
      const auto uri = (*server)->CreateDatabase();
      ASSERT_TRUE(uri.ok()) << uri.status();
      database_ = *uri;
    }
    Open();
  }
  void TearDown() override {
    catalog_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    catalog_.reset();
    auto catalog = Catalog::Open({.directory = folder_ + "/data",
                                  .database = database_,
                                  .now = [this] { return now_; },
                                  .files = &files_});
    ASSERT_TRUE(catalog.ok()) << catalog.status();
    catalog_ = *std::move(catalog);
  }

  NewItem ItemAt(int64_t second, const std::string& component = "cam") const {
    NewItem item;
    item.source = {.location_id = "loc",
                   .robot_id = "robot-1",
                   .robot_name = "rover",
                   .part_id = "part-1",
                   .part_name = "main",
                   .component_type = "rdk:component:camera",
                   .component_name = component,
                   .method_name = "ReadImage",
                   .mime_type = "image/jpeg"};
    item.time_requested = At(kStart + second);
    item.time_received = At(kStart + second + 1);
    item.file_extension = ".jpg";
    return item;
  }

  // Its id.
  std::string Add(const NewItem& item, std::string_view content) {
    const auto added = catalog_->items().Add(caller_, item, content);
    EXPECT_TRUE(added.ok()) << added.status();
    return added.ok() ? added->id : "";
  }
  std::string Add(int64_t second, const std::vector<std::string>& tags = {},
                  const std::string& component = "cam") {
    NewItem item = ItemAt(second, component);
    item.tags = tags;
    return Add(item, "content " + std::to_string(second) + component);
  }

  std::vector<std::string> Ids(const Filter& filter, Order order = Order::kAscending) {
    std::vector<std::string> ids;
    PageRequest request{.filter = filter, .limit = 3, .order = order};
    do {
      const auto page = catalog_->items().List(caller_, request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const Item& item : page->items) ids.push_back(item.id);
      request.last = page->last;
    } while (!request.last.empty());
    return ids;
  }
  Item Get(const std::string& id) {
    const std::string ids[] = {id};
    const auto items = catalog_->items().Get(caller_, ids);
    EXPECT_TRUE(items.ok()) << items.status();
    return items.ok() ? items->front() : Item();
  }

  std::string folder_, database_ = "sqlite";
  Time now_ = At(kStart + 100'000);
  FaultyFileSystem files_{MakeFileSystem()};
  Caller caller_{.organization_id = "org-1", .name = "ann"};
  Caller stranger_{.organization_id = "org-2", .name = "eve"};
  std::unique_ptr<Catalog> catalog_;
};

inline std::string EngineName(const testing::TestParamInfo<store::Engine>& info) {
  return info.param == store::Engine::kSqlite ? "Sqlite" : "Postgresql";
}

}  // namespace bowerbird::data
