// SPDX-License-Identifier: Apache-2.0
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

// The readings that the reference machine's fake sensor always gives.
class FakeSensor : public Sensor {
 public:
  absl::StatusOr<Json> GetReadings(const Context&, const Json&) override {
    return Json{{"a", 1}, {"b", 2}, {"c", 3}};
  }
};

}  // namespace

void AddFakeSensor(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kSensorApi;
  entry.model = {"rdk", "builtin", "fake"};
  entry.build = [](const BuildRequest&) { return std::make_shared<FakeSensor>(); };
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
