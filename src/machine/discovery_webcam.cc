// SPDX-License-Identifier: Apache-2.0
#include "machine/discovery_webcam.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <utility>

#include "base/status.h"
#include "machine/cameras.h"
#include "machine/webcam_device.h"

namespace bowerbird::machine {
namespace {

// A resource's name out of what a device calls itself: "HD Webcam (C920)" gives "HD-Webcam-C920".
std::string NameOf(const VideoDevice& device, const image::Size& size) {
  constexpr size_t kMaxCard = 32;
  std::string name;
  for (const char c : device.card) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain && name.size() < kMaxCard) name += c;
    if (!plain && !name.empty() && name.back() != '-') name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  if (name.empty()) name = "webcam";
  // Two devices of a kind differ by their number.
  const size_t digits = device.path.find_last_not_of("0123456789");
  const std::string number = digits == std::string::npos ? "" : device.path.substr(digits + 1);
  return name + (number.empty() ? "" : "-" + number) + "-" + std::to_string(size.width) + "x" +
         std::to_string(size.height);
}

bool IsCheaper(const VideoMode& a, const VideoMode& b) {
  return FormatRank(a.fourcc) < FormatRank(b.fourcc);
}

}  // namespace

absl::StatusOr<std::vector<DiscoveredResource>> WebcamDiscovery::DiscoverResources(
    const Context& context, const Json&) {
  std::vector<DiscoveredResource> found;
  for (const auto& device : FindVideoDevices(*driver_)) {
    RETURN_IF_ERROR(context.Check());
    std::map<std::pair<int, int>, VideoMode> modes;  // by height and width, negative: largest first
    for (const auto& mode : device.modes) {
      const std::pair key(-mode.size.height, -mode.size.width);
      const auto [entry, added] = modes.emplace(key, mode);
      if (!added && IsCheaper(mode, entry->second)) entry->second = mode;
    }
    for (const auto& [key, mode] : modes) {
      Json attributes = {{"video_path", driver_->StablePath(device.path)},
                         {"format", FormatName(mode.fourcc)},
                         {"width_px", mode.size.width},
                         {"height_px", mode.size.height}};
      if (mode.fps > 0) attributes["frame_rate"] = mode.fps;
      found.push_back({{kCameraApi, NameOf(device, mode.size)},
                       {"rdk", "builtin", "webcam"},
                       std::move(attributes)});
    }
  }
  return found;
}

void AddWebcamDiscovery(Catalog& catalog) {
  catalog.Add({kDiscoveryApi,
               {"rdk", "builtin", "webcam"},
               {},
               [](const BuildRequest&) -> absl::StatusOr<std::shared_ptr<Resource>> {
                 return std::make_shared<WebcamDiscovery>(std::make_shared<KernelVideoDriver>());
               }});
}

}  // namespace bowerbird::machine
