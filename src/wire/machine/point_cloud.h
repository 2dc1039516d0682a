// SPDX-License-Identifier: Apache-2.0
//
// Segmented objects on the wire: a cloud of points and the box that encloses it.
#pragma once

#include <optional>
#include <string_view>

#include "common/v1/common.pb.h"
#include "wire/machine/pose.h"

namespace bowerbird::wire {

struct Bounds {
  Vector min, max;
};

// The smallest box, parallel to the axes, around the finite points of a PCD file with binary data
// and 4-byte float fields x, y, z; in the file's unit. Nothing for files that are not so, end early
// or have no finite point.
std::optional<Bounds> BoundsOfPcd(std::string_view pcd);

// One box with the label where the cloud can be read, else the cloud alone. `pcd` in metres, as the
// wire has it; the box in millimetres.
void WritePointCloudObject(std::string_view pcd, std::string_view label,
                           std::string_view reference_frame,
                           viam::common::v1::PointCloudObject& message);

}  // namespace bowerbird::wire
