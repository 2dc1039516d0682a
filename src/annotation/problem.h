// SPDX-License-Identifier: Apache-2.0
//
// Something in a dataset's files that could not be taken as it is: what, where, and what to do. A
// problem never ends an import; an absl::Status does.
#pragma once

#include <string>

namespace bowerbird::annotation {

struct Problem {
  enum class Kind {
    kFileSkipped,        // a whole file of annotations or a picture
    kImageSkipped,       // one picture that a file names
    kAnnotationSkipped,  // one box, classification or tag; the rest of the picture is there
    kAnnotationChanged,  // taken, but not as it stands there (cut at the edge, rotated box)
    kFileNotUsed,        // looks like annotations, but is none of the format that is read
  };
  Kind kind = Kind::kFileSkipped;
  std::string file;   // relative to the dataset's folder
  std::string place;  // "line 12", "/annotations/3/bbox"; may be empty
  std::string what;   // ends with what to do about it
};

// "FILE, PLACE: WHAT"
std::string TextOf(const Problem& problem);
// "file skipped", "image skipped", "annotation skipped", "annotation changed", "file not used"
std::string NameOf(Problem::Kind kind);

}  // namespace bowerbird::annotation
