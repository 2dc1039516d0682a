// SPDX-License-Identifier: Apache-2.0
//
// What names, descriptions, label files, types, shapes and values of one output say about its role.
#pragma once

#include "vision/output_roles.h"

namespace bowerbird::vision {

// By metadata: names as exporters write them, descriptions, associated label files, box order.
bool SaysLocation(const OutputSample& output);
bool SaysCategory(const OutputSample& output);
bool SaysScore(const OutputSample& output);
bool SaysCount(const OutputSample& output);
bool SaysProbability(const OutputSample& output);

// By shape and values.
bool LooksLikeCount(const OutputSample& output);     // [1]
bool LooksLikeLocation(const OutputSample& output);  // [1, N, 4]
bool HoldsFloats(const OutputSample& output);
// An integer type, or a whole sum.
bool HoldsWholeNumbers(const OutputSample& output);
// An integer type, or a value above 1 and nothing but whole numbers.
bool MustBeCategory(const OutputSample& output);
// A value that is no whole number.
bool MustBeScore(const OutputSample& output);

// At most one extent is not 1.
bool IsVector(const infer::Shape& shape);

}  // namespace bowerbird::vision
