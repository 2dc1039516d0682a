// SPDX-License-Identifier: Apache-2.0
//
// Boxes and classifications as the two JSON forms of Viam's datasets spell them. Internal to this
// room.
#pragma once

#include <deque>
#include <string>

#include "annotation/json_elements.h"
#include "annotation/raw_image.h"
#include "annotation/values.h"

namespace bowerbird::annotation {

// The names of members; both forms hold corners as fractions.
struct ViamNames {
  const char *label, *x_min, *y_min, *x_max, *y_max;
};
inline constexpr ViamNames kLineNames{"annotation_label", "x_min_normalized", "y_min_normalized",
                                      "x_max_normalized", "y_max_normalized"};
inline constexpr ViamNames kExportNames{"label", "xMinNormalized", "yMinNormalized",
                                        "xMaxNormalized", "yMaxNormalized"};

// Appends boxes of the array, whose elements' places begin with `place`; what is no box becomes a
// problem. A missing corner is 0: protobuf's JSON leaves zeros out.
void ReadBoxes(const Json* array, const ViamNames& names, const std::string& place, RawImage& raw,
               std::deque<Event>& events);
void ReadClassifications(const Json* array, const ViamNames& names, const std::string& place,
                         RawImage& raw, std::deque<Event>& events);
// Strings of an array; others become problems.
void ReadTags(const Json* array, const std::string& place, RawImage& raw,
              std::deque<Event>& events);

// {"annotation_label": ..., "x_min_normalized": ...}, with "confidence" and "id" where there are.
std::string BoxText(const Box& box, const ViamNames& names);
std::string ClassificationText(const Classification& one, const ViamNames& names);

}  // namespace bowerbird::annotation
