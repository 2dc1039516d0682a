// SPDX-License-Identifier: Apache-2.0
//
// What was found in a picture, on the wire: detections, classifications, and the annotations that
// travel with images.
#pragma once

#include <optional>
#include <string_view>

#include "app/data/v1/data.pb.h"
#include "image/image.h"
#include "service/vision/v1/vision.pb.h"
#include "vision/detection.h"

namespace bowerbird::wire {

// `size` of the picture gives the normalised corners; without one ({0, 0}) they stay absent.
void WriteDetection(const vision::Detection& detection, image::Size size,
                    viam::service::vision::v1::Detection& message);
// Nothing where the message lacks one of the four corners in pixels. Corners are brought into order
// and into the range of int, the confidence into 0..1 (NaN: 0).
std::optional<vision::Detection> ReadDetection(const viam::service::vision::v1::Detection& message);

void WriteClassification(const vision::Classification& classification,
                         viam::service::vision::v1::Classification& message);
vision::Classification ReadClassification(const viam::service::vision::v1::Classification& message);

// One finding of a camera or a person: with a box it concerns that part of the picture, without one
// the whole.
void AddAnnotation(std::string_view label, std::optional<double> confidence,
                   const std::optional<vision::NormalizedBox>& box,
                   viam::app::data::v1::Annotations& message);

}  // namespace bowerbird::wire
