// SPDX-License-Identifier: Apache-2.0
//
// The sensors that read this computer and programs.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

using ::testing::HasSubstr;

class SensorModels : public testing::Test {
 protected:
  SensorModels() {
    RegisterBuiltins(catalog_);
    std::string pattern = (std::filesystem::temp_directory_path() / "sensor-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~SensorModels() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::shared_ptr<Sensor>> Build(const std::string& model, const Json& attributes) {
    const auto entry = catalog_.Find(kSensorApi, {"rdk", "builtin", model});
    if (!entry.ok()) return entry.status();
    ResourceConfig config;
    config.name = {kSensorApi, "s"};
    config.attributes = attributes;
    const Attributes read(config.attributes, "attributes");
    const auto needs = entry->validate(config, read);
    if (!needs.ok()) return needs.status();
    const std::map<std::string, std::shared_ptr<Resource>> none;
    auto built = entry->build({config, read, environment_, none});
    if (!built.ok()) return built.status();
    return std::dynamic_pointer_cast<Sensor>(*built);
  }
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // The first readings that fulfil `condition`, or the last answer.
  static absl::StatusOr<Json> Soon(Sensor& sensor, const std::function<bool(const Json&)>& fits) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      auto readings = sensor.GetReadings({}, {});
      if ((readings.ok() && fits(*readings)) || std::chrono::steady_clock::now() > limit)
        return readings;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  Catalog catalog_;
  Environment environment_;
  std::string folder_;
};

TEST_F(SensorModels, HwmonNamesChannelsByChipAndLabelInPlainUnits) {
  Write("hwmon0/name", "coretemp\n");
  Write("hwmon0/temp1_input", "45500\n");
  Write("hwmon0/temp1_label", "Core 0\n");
  Write("hwmon0/in0_input", "1250\n");
  Write("hwmon0/fan2_input", "900\n");
  Write("hwmon0/temp1_crit", "100000\n");
  Write("hwmon0/temp9_input", "broken\n");
  Write("hwmon1/name", "coretemp\n");
  Write("hwmon1/temp1_input", "-2000\n");
  Write("hwmon1/temp1_label", "Core 0\n");
  const auto sensor = Build("hwmon", {{"root", folder_}});
  ASSERT_TRUE(sensor.ok()) << sensor.status();
  const auto readings = (*sensor)->GetReadings({}, {});
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(*readings, (Json{{"coretemp_core_0_celsius", 45.5},
                             {"coretemp_core_0_celsius_2", -2.0},
                             {"coretemp_in0_volts", 1.25},
                             {"coretemp_fan2_rpm", 900.0}}));
}

TEST_F(SensorModels, AMachineWithoutSensorsSaysSo) {
  const auto sensor = Build("hwmon", {{"root", folder_ + "/nothing"}});
  ASSERT_TRUE(sensor.ok());
  const auto readings = (*sensor)->GetReadings({}, {});
  EXPECT_TRUE(absl::IsNotFound(readings.status()));
  EXPECT_THAT(std::string(readings.status().message()), HasSubstr(folder_ + "/nothing"));
}

TEST_F(SensorModels, ExecGivesTheLastObjectWithItsAge) {
  const auto sensor = Build(
      "exec",
      {{"argv", {"sh", "-c", "echo '{\"a\": 1}'; echo nonsense; echo '{\"a\": 2}'; sleep 100"}}});
  ASSERT_TRUE(sensor.ok()) << sensor.status();
  const auto readings = Soon(**sensor, [](const Json& json) { return json["a"] == 2; });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ((*readings)["a"], 2);
  EXPECT_GE((*readings)["age_seconds"].get<double>(), 0.0);
}

TEST_F(SensorModels, ExecStartsAProgramAgainThatEnds) {
  const std::string count = folder_ + "/count";
  const auto sensor = Build(
      "exec",
      {{"argv",
        {"sh", "-c",
         "echo x >> " + count + "; echo \"{\\\"n\\\": $(wc -l < " + count + ")}\"; exit 3"}}});
  ASSERT_TRUE(sensor.ok());
  const auto readings = Soon(**sensor, [](const Json& json) { return json["n"] == 2; });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ((*readings)["n"], 2);
}

TEST_F(SensorModels, ExecTellsWhyThereIsNothing) {
  const auto missing = Build("exec", {{"argv", {"/no/such/program"}}});
  ASSERT_TRUE(missing.ok());
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string message;
  while (message.find("/no/such/program: ") == std::string::npos &&
         std::chrono::steady_clock::now() < limit) {
    message = std::string((*missing)->GetReadings({}, {}).status().message());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_THAT(message, HasSubstr("has printed no reading yet: "));
  EXPECT_THAT(std::string(Build("exec", Json::object()).status().message()), HasSubstr("argv"));
}

}  // namespace
}  // namespace bowerbird::machine
