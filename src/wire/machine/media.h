// SPDX-License-Identifier: Apache-2.0
//
// MIME types and camera models on the wire.
#pragma once

#include <string_view>

#include "app/datasync/v1/data_sync.pb.h"
#include "component/camera/v1/camera.pb.h"
#include "image/point_cloud.h"

namespace bowerbird::wire {

// "image/jpeg+lazy" asks for bytes that nobody has decoded yet. Every picture here is like that:
// this drops the suffix.
std::string_view WithoutLazy(std::string_view mime);

// The four types that the enumeration knows; UNSPECIFIED and "" for each other's strangers.
viam::app::datasync::v1::MimeType MimeTypeFromName(std::string_view mime);
std::string_view MimeTypeName(viam::app::datasync::v1::MimeType type);

void WriteIntrinsics(const image::Intrinsics& intrinsics,
                     viam::component::camera::v1::IntrinsicParameters& message);
image::Intrinsics ReadIntrinsics(const viam::component::camera::v1::IntrinsicParameters& message);

// Model "brown_conrady": k1, k2, k3, p1, p2.
void WriteDistortion(const image::Distortion& distortion,
                     viam::component::camera::v1::DistortionParameters& message);

}  // namespace bowerbird::wire
