// SPDX-License-Identifier: Apache-2.0
//
// The attributes `intrinsic_parameters` and `distortion_parameters`, which every camera model has.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "image/point_cloud.h"
#include "machine/attributes.h"

namespace bowerbird::machine {

struct Lens {
  std::optional<image::Intrinsics> intrinsics;
  std::optional<image::Distortion> distortion;
};

// Absent, null or {} is none.
absl::StatusOr<Lens> ReadLens(const Attributes& attributes);

}  // namespace bowerbird::machine
