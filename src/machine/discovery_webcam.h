// SPDX-License-Identifier: Apache-2.0
//
// Model `webcam` of the discovery API: the capture devices of this machine, as configs that the
// camera model `webcam` takes.
#pragma once

#include <memory>
#include <vector>

#include "machine/resource.h"
#include "machine/webcam_driver.h"

namespace bowerbird::machine {

class WebcamDiscovery final : public Discovery {
 public:
  // Shared with the cameras of a test.
  explicit WebcamDiscovery(std::shared_ptr<VideoDriver> driver) : driver_(std::move(driver)) {}

  // A camera for each size of each device, in the format that is cheapest for the size. Sorted by
  // device, larger sizes first.
  absl::StatusOr<std::vector<DiscoveredResource>> DiscoverResources(const Context& context,
                                                                    const Json& extra) override;

 private:
  const std::shared_ptr<VideoDriver> driver_;
};

}  // namespace bowerbird::machine
