// SPDX-License-Identifier: Apache-2.0
//
// The annotation hash: one number for what is said about a picture, the same on every machine and
// whichever format it came through.
//
// It is the SHA-256 of this text (docs/formats/annotation-hash.md), lines ended by "\n":
//   bowerbird annotations 1
//   tag LENGTH:BYTES                                each tag once
//   class LENGTH:BYTES CONFIDENCE
//   box LENGTH:BYTES X_MIN Y_MIN X_MAX Y_MAX CONFIDENCE
// with the lines after the first sorted by their bytes. LENGTH counts the label's bytes. Corners
// are whole numbers of 1/16 pixel of the picture as a person sees it, rounded to 1/4096
// of that first and then to the nearest, halves away from zero; where the picture's size is not
// known they are of 1/1048576 of its width or height, and the line begins with "relative".
// CONFIDENCE is a whole number of millionths, or "-" for none. Ids, order, and the picture's size
// and name have no part in it.
#pragma once

#include <span>
#include <string>

#include "annotation/values.h"
#include "base/sha256.h"

namespace bowerbird::annotation {

// The text that is hashed. Values must have passed CheckAnnotations.
std::string CanonicalText(const Annotations& annotations, std::span<const std::string> tags,
                          int width, int height);

Sha256Digest AnnotationHash(const Annotations& annotations, std::span<const std::string> tags,
                            int width, int height);
Sha256Digest AnnotationHash(const AnnotatedImage& image);

}  // namespace bowerbird::annotation
