// SPDX-License-Identifier: Apache-2.0
//
// The data manager inside a real machine.
#include "capture/data_manager.h"

#include "capture/capture.h"
#include "capture/capture_file.h"
#include "capture/capture_fixture.h"
#include "capture/testing/test_hub.h"
#include "gmock/gmock.h"
#include "machine/machine.h"

namespace bowerbird::capture {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class DataManagerTest : public CaptureTest {
 protected:
  DataManagerTest() { machine::RegisterBuiltins(catalog_); }
  ~DataManagerTest() override {
    machine_.reset();
    host_.reset();
  }

  void Start(const std::string& config, HubLink hub) {
    host_ = std::make_unique<CaptureHost>(
        CaptureHost::Options{&files_, &metrics_, folder_, std::move(hub)});
    host_->Register(catalog_);
    machine_ = std::make_unique<machine::Machine>(catalog_, metrics_, folder_ + "/data");
    Apply(config);
  }
  void Apply(const std::string& text) {
    auto config = machine::ParseConfig(text, {"machine.json", "", nullptr});
    ASSERT_TRUE(config.ok()) << config.status();
    host_->SetConfig(*config);
    machine_->Apply(*std::move(config));
    ASSERT_TRUE(machine_->WaitUntilApplied(Context().WithTimeout(std::chrono::seconds(20))).ok());
  }
  std::shared_ptr<machine::DataManager> manager() {
    auto found = machine_->FindAs<machine::DataManager>("dm");
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : nullptr;
  }
  static std::string Config(const std::string& methods, const std::string& attributes = "{}") {
    return R"({"components": [
      {"name": "cam", "api": "rdk:component:camera", "model": "fake",
       "attributes": {"width": 64, "height": 48},
       "service_configs": [{"type": "data_manager", "attributes": {"capture_methods": )" +
           methods + R"(}}]}, {"name": "s", "api": "rdk:component:sensor", "model": "fake",
       "service_configs": [{"type": "rdk:service:data_manager", "attributes": {"capture_methods": [
         {"method": "Readings", "capture_frequency_hz": 50}]}}]}],
      "services": [{"name": "dm", "api": "rdk:service:data_manager", "attributes": )" +
           attributes + "}]}";
  }

  machine::Catalog catalog_;
  std::unique_ptr<CaptureHost> host_;
  std::unique_ptr<machine::Machine> machine_;
  TestHub hub_;
};

TEST_F(DataManagerTest, TheFakeCameraReachesTheHub) {
  Start(Config(R"([{"method": "ReadImage", "capture_frequency_hz": 20, "tags": ["one"]}])",
               R"({"sync_interval_mins": 0.002, "tags": ["part"]})"),
        hub_.link());
  ASSERT_TRUE(Soon([&] { return hub_.items().size() >= 10; })) << manager()->GetStatus({})->dump();
  int pictures = 0;
  for (const auto& item : hub_.items()) {
    EXPECT_EQ(item.tags[0], "part");
    if (item.method_name != "ReadImage") continue;
    ++pictures;
    EXPECT_EQ(item.tags[1], "one");
    EXPECT_EQ(item.mime_type, "image/jpeg");
    EXPECT_EQ(item.content.substr(0, 2), "\xff\xd8");
  }
  EXPECT_GT(pictures, 0);
}

TEST_F(DataManagerTest, GetImagesAndPointCloudsAndCommandsAreCaptured) {
  Start(Config(R"([{"method": "GetImages", "capture_frequency_hz": 20},
                   {"method": "NextPointCloud", "capture_frequency_hz": 20},
                   {"method": "Pet", "capture_frequency_hz": 1}])",
               R"({"sync_disabled": true})"),
        hub_.link());
  ASSERT_TRUE(Soon([&] {
    return std::filesystem::exists(folder_ + "/rdk_component_camera/cam/GetImages") &&
           std::filesystem::exists(folder_ + "/rdk_component_camera/cam/NextPointCloud") &&
           !Files(".prog").empty();
  }));
  const auto status = manager()->GetStatus({});
  ASSERT_TRUE(status.ok());
  EXPECT_THAT((*status)["capture"]["problems"].dump(), HasSubstr("Pet: the method cannot be"));
  EXPECT_TRUE(manager()->DoCommand({}, {{"command", "flush"}}).ok());
}

TEST_F(DataManagerTest, AChangedConfigChangesTheCollectorsWithoutARestart) {
  Start(Config(R"([{"method": "ReadImage", "capture_frequency_hz": 50}])",
               R"({"sync_disabled": true})"),
        {});
  ASSERT_TRUE(Soon([&] { return !Files(".capture").empty(); }));
  const auto before = manager();
  Apply(Config(R"([{"method": "ReadImage", "capture_frequency_hz": 50, "disabled": true}])",
               R"({"sync_disabled": true})"));
  EXPECT_EQ(manager(), before);
  EXPECT_TRUE(
      Soon([&] { return (*manager()->GetStatus({}))["capture"]["collectors"].size() == 1; }));
}

TEST_F(DataManagerTest, MotionKeepsOnlyWhatMoves) {
  Start(Config(R"([{"method": "ReadImage", "capture_frequency_hz": 50, "capture_when":
                    {"any": [{"type": "motion", "threshold": 0.5}]}}])",
               R"({"sync_disabled": true})"),
        {});
  const auto not_kept = [&]() -> int {
    const auto status = *manager()->GetStatus({});
    for (const auto& one : status["capture"]["collectors"])
      if (one["method"] == "ReadImage") return one["not_kept"];
    return 0;
  };
  EXPECT_TRUE(Soon([&] { return not_kept() > 3; }));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/rdk_component_camera/cam"));
}

TEST_F(DataManagerTest, AFileForDatasetsIsSafeEvenIfTheHubIsAway) {
  Start(Config("[]", R"({"sync_disabled": true, "capture_disabled": true})"), hub_.link());
  hub_.Fail(TestHub::Fault::kBroken, 1);
  const auto patience = Context().WithTimeout(std::chrono::seconds(20));
  ASSERT_TRUE(manager()->UploadBinaryToDatasets(patience, {"bytes", {"t"}, {"d"}, ".png"}).ok());
  ASSERT_TRUE(Soon([&] { return hub_.items().size() == 1; }));
  EXPECT_EQ(hub_.items()[0].dataset_ids[0], "d");
  EXPECT_EQ(hub_.items()[0].tags[0], "t");
  EXPECT_FALSE(manager()->UploadBinaryToDatasets(patience, {"x", {}, {"../d"}, ""}).ok());
}

// Whether the library is there or not: a server that is away is told and delays nothing.
TEST_F(DataManagerTest, AMongoServerThatIsAwayDelaysNoCapture) {
  Start(Config("[]", R"({"mongo_capture_config": {"uri": "mongodb://u:secret@127.0.0.1:1"},
                         "sync_disabled": true})"),
        {});
  Json status;
  ASSERT_TRUE(Soon([&] {
    status = *manager()->GetStatus(Context());
    const auto& collectors = status["capture"]["collectors"];
    return !collectors.empty() && collectors[0]["records_written"] > 20 &&
           !status["mongo"]["last_error"].empty() && status["mongo"]["last_error"] != "";
  })) << status;
  EXPECT_THAT(status.dump(), Not(HasSubstr("secret")));
  EXPECT_EQ(status["capture"]["collectors"][0]["records_lost"], 0);
}

}  // namespace
}  // namespace bowerbird::capture
