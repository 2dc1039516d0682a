// SPDX-License-Identifier: Apache-2.0
//
// Model `hwmon`: temperatures, voltages, currents, power and fans that Linux shows in
// /sys/class/hwmon. Readings are called CHIP_LABEL_UNIT, such as "coretemp_core_0_celsius"; the
// values are read anew with each call.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "base/status.h"
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

// What the kernel's documentation of hwmon's files says of each kind.
struct Kind {
  std::string_view prefix, unit;
  double scale;
};
constexpr std::array<Kind, 5> kKinds = {{{"temp", "celsius", 1e-3},
                                         {"in", "volts", 1e-3},
                                         {"curr", "amperes", 1e-3},
                                         {"power", "watts", 1e-6},
                                         {"fan", "rpm", 1}}};

// One line of a file without white space at its end; nothing if it cannot be read.
std::optional<std::string> ReadLine(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0)
    line.pop_back();
  return line;
}

std::string AsKey(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return text;
}

// The kind of "temp1_input", and its number, as "temp1".
std::optional<std::pair<Kind, std::string>> KindOf(const std::string& name) {
  constexpr std::string_view kInput = "_input";
  if (!name.ends_with(kInput)) return std::nullopt;
  const std::string channel = name.substr(0, name.size() - kInput.size());
  for (const Kind& kind : kKinds) {
    const std::string number = channel.substr(std::min(channel.size(), kind.prefix.size()));
    if (channel.rfind(kind.prefix, 0) == 0 && !number.empty() &&
        std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return std::pair(kind, channel);
  }
  return std::nullopt;
}

class HwmonSensor : public Sensor {
 public:
  explicit HwmonSensor(std::string root) : root_(std::move(root)) {}

  absl::StatusOr<Json> GetReadings(const Context& context, const Json&) override {
    Json readings = Json::object();
    std::error_code error;
    std::vector<std::filesystem::path> chips;
    for (const auto& chip : std::filesystem::directory_iterator(root_, error))
      chips.push_back(chip.path());
    // hwmon2 before hwmon10 does not matter, but the same order each time does.
    std::sort(chips.begin(), chips.end());
    for (const auto& chip : chips) {
      RETURN_IF_ERROR(context.Check());
      AddChip(chip, readings);
    }
    if (readings.empty())
      return NotFound("this machine shows no temperatures, voltages or fans in " + root_ +
                      ": load the driver of its sensors (see sensors-detect), or take the sensor "
                      "out of the config");
    return readings;
  }

 private:
  static void AddChip(const std::filesystem::path& chip, Json& readings) {
    const std::string name = AsKey(ReadLine(chip / "name").value_or(chip.filename().string()));
    std::error_code error;
    std::vector<std::string> inputs;
    for (const auto& entry : std::filesystem::directory_iterator(chip, error))
      inputs.push_back(entry.path().filename().string());
    std::sort(inputs.begin(), inputs.end());
    for (const std::string& input : inputs) {
      const auto kind = KindOf(input);
      if (!kind.has_value()) continue;
      // A sensor that is not there or asleep answers with an error: it is left out.
      const auto text = ReadLine(chip / input);
      int64_t value = 0;
      if (!text.has_value() ||
          std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
        continue;
      const auto label = ReadLine(chip / (kind->second + "_label"));
      const std::string key =
          name + "_" + AsKey(label.value_or(kind->second)) + "_" + std::string(kind->first.unit);
      // Two chips of one driver.
      std::string unique = key;
      for (int n = 2; readings.contains(unique); ++n) unique = key + "_" + std::to_string(n);
      readings[unique] = static_cast<double>(value) * kind->first.scale;
    }
  }

  const std::string root_;
};

}  // namespace

void AddHwmonSensor(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kSensorApi;
  entry.model = {"rdk", "builtin", "hwmon"};
  entry.validate = [](const ResourceConfig&,
                      const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(attributes.String("root").status());
    return std::vector<std::string>();
  };
  entry.build = [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    ASSIGN_OR_RETURN(std::string root, request.attributes.String("root", "/sys/class/hwmon"));
    return std::make_shared<HwmonSensor>(std::move(root));
  };
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
