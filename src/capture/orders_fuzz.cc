// SPDX-License-Identifier: Apache-2.0
//
// What tells the data manager what to do: its attributes and those of the methods in a config, the
// reading of a control sensor, which a program of somebody's gives, and sequence files that a crash
// may have damaged. Any JSON is taken or refused with a reason.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "capture/config.h"
#include "capture/control.h"
#include "capture/readers.h"
#include "capture/sequences.h"

namespace bowerbird::capture {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) && !status.message().empty();
}

void CheckAttributes(const nlohmann::json& json) {
  const auto config = ParseManagerConfig(machine::Attributes(json, "attributes"), "/captures");
  if (!config.ok()) return Require(IsRefusal(config.status()));
  Require(config->sync_interval.count() > 0 && config->sync_threads > 0);
  Require(config->delete_every_nth > 0 && !config->capture_dir.empty());
}

CaptureMethods CheckMethods(const nlohmann::json& json) {
  machine::Config config;
  machine::ResourceConfig camera;
  camera.name = {machine::kCameraApi, "cam"};
  camera.path = "components[0]";
  camera.service_configs.emplace_back("data_manager", json);
  config.resources.push_back(std::move(camera));
  machine::RemoteConfig remote;
  remote.path = "remotes[0]";
  remote.json = {{"service_configs", json}};
  config.remotes.push_back(std::move(remote));
  auto methods = ReadCaptureMethods(config);
  for (const CaptureMethod& method : methods.methods) {
    const absl::Status runnable = CheckMethod(method);
    Require(runnable.ok() || IsRefusal(runnable));
    (void)method.Identity();
  }
  return methods;
}

void CheckReading(const CaptureMethods& methods, const nlohmann::json& json) {
  const auto changed =
      ApplyControl(methods.methods, json, "orders", {{machine::kCameraApi, "cam"}});
  if (!changed.ok()) return Require(IsRefusal(changed.status()));
  Require(changed->size() >= methods.methods.size());
}

void CheckSequences(const nlohmann::json& json, std::string_view text) {
  const auto wanted = ReadSequences(json);
  if (!wanted.ok()) Require(IsRefusal(wanted.status()));
  const auto sequence = DecodeSequence(text);
  if (!sequence.ok()) return Require(sequence.status().code() == absl::StatusCode::kDataLoss);
  const auto again = DecodeSequence(EncodeSequence(*sequence));
  Require(again.ok() && again->key == sequence->key && again->start == sequence->start);
}

}  // namespace
}  // namespace bowerbird::capture

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::capture;  // NOLINT: one function
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return 0;
  CheckAttributes(json);
  CheckReading(CheckMethods(json), json);
  CheckSequences(json, text);
  return 0;
}
