// SPDX-License-Identifier: Apache-2.0
//
// Where the frames of a machine stand: a tree below "world", from the `frame` entries of a config
// and the frames that a request brings along. Nothing here moves, so that a pose is a matter of
// walking two paths to their root.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/v1/common.pb.h"
#include "machine/config.h"
#include "wire/machine/pose.h"

namespace bowerbird::serve {

inline constexpr char kWorldFrame[] = "world";

class FrameSystem {
 public:
  using Transforms = google::protobuf::RepeatedPtrField<viam::common::v1::Transform>;

  // A frame of the config that cannot be read is left out of `parts` and told by the call that asks
  // for it; one broken frame must not hide the others. INVALID_ARGUMENT: a faulty `supplemental`.
  static absl::StatusOr<FrameSystem> Create(const machine::Config& config,
                                            const Transforms& supplemental);

  // In the order of the config, then the supplemental ones.
  const std::vector<viam::common::v1::Transform>& parts() const { return parts_; }

  // `source` as it is seen from frame `destination` ("" = world). NOT_FOUND names an unknown frame
  // and those that are known; INVALID_ARGUMENT a frame that is faulty or its own ancestor.
  absl::StatusOr<viam::common::v1::PoseInFrame> Transform(
      const viam::common::v1::PoseInFrame& source, const std::string& destination) const;

 private:
  struct Frame {
    std::string parent;
    wire::RigidPose in_parent;
    absl::Status problem;  // why the frame cannot be used
  };

  absl::Status Add(const viam::common::v1::Transform& transform);
  // From coordinates of `frame` to those of world.
  absl::StatusOr<wire::RigidPose> ToWorld(const std::string& frame) const;
  absl::Status Unknown(const std::string& frame) const;

  std::vector<viam::common::v1::Transform> parts_;
  std::map<std::string, Frame> frames_;
};

}  // namespace bowerbird::serve
